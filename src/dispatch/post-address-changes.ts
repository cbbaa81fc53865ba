import { sql } from 'drizzle-orm';
import { messageOf } from '../domain/error-message.ts';
import type { DispatchHost } from './dispatch-host.ts';
import type { Lease } from './ledger/lease.ts';

/**
 * Posts the changes of address that a batch came upon to the EmailAddressHistoryBus, as one message. What cannot be posted,
 * or dies with the process, is lost to nobody: the contact's change is still pending, and found again when it is sent to
 * next. So it never fails the batch.
 */
export async function postAddressChanges(
  { db, log }: Pick<DispatchHost, 'db' | 'log'>,
  lease: Lease,
): Promise<void> {
  const { campaignId, batch, addressChanges } = lease;
  lease.addressChanges = [];
  try {
    // Not those that were changed again, told by another batch, or erased meanwhile.
    await db.execute(sql`
      insert into email_address_history_bus (campaign_id, batch, changes)
      select ${campaignId}, ${batch},
             jsonb_agg(jsonb_build_object('contactId', e."contactId", 'email', e.email, 'at', e.at) order by e.at)
        from json_to_recordset(${JSON.stringify(addressChanges)}::json)
               as e("contactId" bigint, email text, at text)
        join contact c on c.id = e."contactId" and c.email = e.email and c.history_pending
      having count(*) > 0`);
  } catch (error) {
    log.warn(
      { campaignId, batch, changes: addressChanges.length, err: messageOf(error) },
      'changes of address could not be told now; they are found again when these contacts are sent to next',
    );
  }
}
