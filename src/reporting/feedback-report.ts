import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { type BounceClass, bounceClasses } from '../domain/feedback.ts';

/** What came back by mail, or was refused while sending. People, each counted once, as the gravest that came back of them. */
export interface FeedbackReport {
  readonly bounces: Readonly<Record<BounceClass, number>>;
  readonly complaints: number;
}

export async function feedbackReport(db: Queries, campaignId: string): Promise<FeedbackReport> {
  const { rows } = await db.execute<{ class: BounceClass | null; people: number }>(sql`
    select class, count(*)::int as people
      from (select distinct on (type, position) type, detail->>'class' as class
              from interaction
             where campaign_id = ${campaignId} and type in ('Bounce', 'SpamComplaint')
             order by type, position, array_position(array['hard', 'soft', 'policy'], detail->>'class')) gravest
     group by class`);
  const of = (kind: BounceClass | null) => rows.find((row) => row.class === kind)?.people ?? 0;
  return {
    bounces: Object.fromEntries(bounceClasses.map((kind) => [kind, of(kind)])) as FeedbackReport['bounces'],
    complaints: of(null),
  };
}
