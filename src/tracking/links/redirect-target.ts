import type { FrozenContent } from '../../message/content.ts';
import { CompiledTemplate } from '../../message/render/compiled-template.ts';
import { createLiquid } from '../../message/render/liquid.ts';
import { type BodyRequest, commonScope, Rendering } from '../../message/render/rendering.ts';

const liquid = createLiquid({ output: 'plain' });

/** True where a link depends on the recipient. */
export function hasTokens(link: string): boolean {
  return /\{[{%]/.test(link);
}

const templates = new WeakMap<FrozenContent, Map<string, CompiledTemplate>>();

/** A link's template, compiled at its first click. */
function compiled(content: FrozenContent, link: string): CompiledTemplate {
  const ofContent = templates.get(content) ?? new Map<string, CompiledTemplate>();
  templates.set(content, ofContent);
  const template = ofContent.get(link) ?? new CompiledTemplate(liquid, link, commonScope(content));
  ofContent.set(link, template);
  return template;
}

/**
 * Where a click leads: the frozen link with this recipient's values, never anything else. Undefined where the result
 * is no web address, or where the link names its host and the result has another one.
 */
export function redirectTarget(
  content: FrozenContent,
  link: string,
  request: BodyRequest,
  token: string,
): string | undefined {
  let filled = link;
  if (hasTokens(link)) {
    try {
      filled = compiled(content, link).fill(new Rendering(content, request, token));
    } catch {
      return undefined;
    }
  }
  const target = webAddress(filled);
  if (target === undefined) return undefined;
  const frozenOrigin = /^https?:\/\/[^/?#{}%]+(?=[/?#]|$)/i.exec(link)?.[0];
  if (frozenOrigin !== undefined && webAddress(frozenOrigin)?.origin !== target.origin) return undefined;
  return target.href;
}

function webAddress(text: string): URL | undefined {
  const trimmed = text.trim();
  if (!/^https?:\/\//i.test(trimmed) || trimmed.length > 8_000 || !URL.canParse(trimmed)) return undefined;
  const url = new URL(trimmed);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
}
