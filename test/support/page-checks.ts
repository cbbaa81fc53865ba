import type { Page } from 'playwright-core';

// What runs in the browser is written as text: here there is no `document` that the compiler would know.

/** What is wrong with a page for eyes and fingers: sideways scrolling, small targets, pale text, fields without a label. */
export async function problemsOf(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(`(() => {
    const problems = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) problems.push('scrolls sideways: ' + root.scrollWidth + ' pixels');
    const source = (element) => element.outerHTML.slice(0, 80);
    for (const element of document.querySelectorAll('button,select,a,label.check,input:not([type=checkbox])')) {
      const { width, height } = element.getBoundingClientRect();
      // WCAG 2.5.5: 44 pixels each way.
      if (element.closest('.trap,[type=hidden]') === null && (width < 44 || height < 44))
        problems.push('small: ' + source(element));
    }
    for (const field of document.querySelectorAll('input:not([type=hidden]),select'))
      if (field.labels.length !== 1) problems.push('no label: ' + source(field));
    const parts = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
    const luminance = (color) => {
      const [red, green, blue] = parts(color).map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const groundOf = (element) => {
      if (element === null) return 'rgb(255,255,255)';
      const { backgroundColor } = getComputedStyle(element);
      return parts(backgroundColor)[3] === 0 ? groundOf(element.parentElement) : backgroundColor;
    };
    for (const element of document.querySelectorAll('h1,p,button,label,legend,a,input,select')) {
      const pair = [luminance(getComputedStyle(element).color), luminance(groundOf(element))];
      const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
      // WCAG 1.4.3
      if (ratio < 4.5) problems.push('pale (' + ratio.toFixed(1) + '): ' + source(element));
    }
    return problems;
  })()`);
}

/** Where the keyboard is, and whether one sees it; undefined where it has left the page. */
export async function focusOf(page: Page): Promise<{ stop: string; isVisible: boolean } | undefined> {
  return await page.evaluate(`(() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return undefined;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return {
      stop: element.name || element.textContent || element.value,
      isVisible: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2,
    };
  })()`);
}
