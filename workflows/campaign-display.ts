import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { DispatchStatus } from '../src/domain/dispatch.ts';
import { searchAttributes } from '../src/domain/names.ts';
import { currentDetails } from './current-details.ts';

const stateAttribute = defineSearchAttributeKey(searchAttributes.state, 'KEYWORD');
const nameAttribute = defineSearchAttributeKey(searchAttributes.campaignName, 'KEYWORD');

/** Puts on Temporal's Web UI what an operator wants to see of a campaign, and by what it is found there. */
export class CampaignDisplay {
  private shownState: string | undefined;

  /** @param searchable whether the installation has the search attributes, which not every server lets one define */
  show(status: DispatchStatus, { searchable }: { readonly searchable: boolean }): void {
    setCurrentDetails(currentDetails(status));
    const state = status.subState === 'Paused' ? 'Paused' : status.state;
    if (!searchable || state === this.shownState) return;
    this.shownState = state;
    upsertSearchAttributes([
      { key: stateAttribute, value: state },
      { key: nameAttribute, value: status.name },
    ]);
  }
}
