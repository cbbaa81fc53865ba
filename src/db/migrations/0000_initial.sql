CREATE TABLE "campaign" (
	"id" text PRIMARY KEY NOT NULL,
	"number" integer GENERATED ALWAYS AS IDENTITY (sequence name "campaign_number_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"state" text DEFAULT 'Draft' NOT NULL,
	"sub_state" text DEFAULT 'None' NOT NULL,
	"reason" text,
	"word" text DEFAULT 'go' NOT NULL,
	"definition" jsonb NOT NULL,
	"content_hash" text,
	"queued" integer,
	"test_size" integer,
	"test_out_at" timestamp with time zone,
	"winner_due_at" timestamp with time zone,
	"winner" smallint,
	"winner_by" text,
	"winner_at" timestamp with time zone,
	"excluded" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"overruled" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"rate_base" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	CONSTRAINT "campaign_number_unique" UNIQUE("number"),
	CONSTRAINT "campaign_word" CHECK ("campaign"."word" in ('go', 'pause', 'cancel'))
);
--> statement-breakpoint
CREATE TABLE "campaign_audit" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "campaign_audit_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"campaign_id" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"actor" text NOT NULL,
	"what" text NOT NULL,
	"from" text,
	"to" text,
	"why" text
);
--> statement-breakpoint
CREATE TABLE "campaign_goal" (
	"campaign_id" text NOT NULL,
	"name" text NOT NULL,
	"link" smallint NOT NULL,
	"value" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "campaign_goal_campaign_id_name_pk" PRIMARY KEY("campaign_id","name")
);
--> statement-breakpoint
CREATE TABLE "campaign_link" (
	"campaign_id" text NOT NULL,
	"number" smallint NOT NULL,
	"url" text NOT NULL,
	CONSTRAINT "campaign_link_campaign_id_number_pk" PRIMARY KEY("campaign_id","number")
);
--> statement-breakpoint
CREATE TABLE "campaign_list" (
	"campaign_id" text NOT NULL,
	"list_id" integer NOT NULL,
	"role" text NOT NULL,
	CONSTRAINT "campaign_list_campaign_id_list_id_role_pk" PRIMARY KEY("campaign_id","list_id","role")
);
--> statement-breakpoint
CREATE TABLE "campaign_variant" (
	"campaign_id" text NOT NULL,
	"number" smallint NOT NULL,
	"name" text NOT NULL,
	CONSTRAINT "campaign_variant_campaign_id_number_pk" PRIMARY KEY("campaign_id","number")
);
--> statement-breakpoint
CREATE TABLE "content" (
	"hash" text PRIMARY KEY NOT NULL,
	"body" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "content_file" (
	"hash" text PRIMARY KEY NOT NULL,
	"bytes" "bytea" NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "contact" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "contact_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"email" text NOT NULL,
	"email_key" text NOT NULL,
	"first_name" text DEFAULT '' NOT NULL,
	"last_name" text DEFAULT '' NOT NULL,
	"language" text DEFAULT '' NOT NULL,
	"facets" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"do_not_market" boolean DEFAULT false NOT NULL,
	"consent_revoked" boolean DEFAULT false NOT NULL,
	"bounce_count" integer DEFAULT 0 NOT NULL,
	"address_since" timestamp with time zone DEFAULT now() NOT NULL,
	"history_pending" boolean DEFAULT false NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "contact_email_key_unique" UNIQUE("email_key")
);
--> statement-breakpoint
CREATE TABLE "contact_list" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "contact_list_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"expression" text,
	"title" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "contact_list_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "email_address_history" (
	"contact_id" bigint NOT NULL,
	"email" text NOT NULL,
	"email_key" text NOT NULL,
	"used_from" timestamp with time zone NOT NULL,
	CONSTRAINT "email_address_history_contact_id_used_from_pk" PRIMARY KEY("contact_id","used_from")
);
--> statement-breakpoint
CREATE TABLE "email_address_history_bus" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "email_address_history_bus_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"campaign_id" text NOT NULL,
	"batch" integer NOT NULL,
	"changes" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "facet" (
	"name" text PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "forgotten" (
	"email_hash" "bytea" PRIMARY KEY NOT NULL,
	"contact_id" bigint,
	"by" text NOT NULL,
	"reason" text DEFAULT '' NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "general_no" (
	"email_key" text PRIMARY KEY NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "global_opt_out" (
	"email_key" text PRIMARY KEY NOT NULL,
	"reason" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"id" integer PRIMARY KEY DEFAULT 1 NOT NULL,
	"salt" "bytea" NOT NULL,
	CONSTRAINT "installation_one" CHECK ("installation"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE "left_mailbox" (
	"email_key" text PRIMARY KEY NOT NULL,
	"bounce_count" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "list_member" (
	"list_id" integer NOT NULL,
	"contact_id" bigint NOT NULL,
	CONSTRAINT "list_member_list_id_contact_id_pk" PRIMARY KEY("list_id","contact_id")
);
--> statement-breakpoint
CREATE TABLE "list_opt_out" (
	"list_id" integer NOT NULL,
	"email_key" text NOT NULL,
	"reason" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "list_opt_out_list_id_email_key_pk" PRIMARY KEY("list_id","email_key")
);
--> statement-breakpoint
CREATE TABLE "suppression" (
	"email_key" text PRIMARY KEY NOT NULL,
	"cause" text DEFAULT 'by-hand' NOT NULL,
	"reason" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "suppression_cause" CHECK ("suppression"."cause" in ('complaint', 'by-hand', 'import', 'hard-bounce', 'soft-bounces'))
);
--> statement-breakpoint
CREATE TABLE "dispatch_batch" (
	"campaign_id" text NOT NULL,
	"batch" integer NOT NULL,
	"first" integer NOT NULL,
	"last" integer NOT NULL,
	"lease" integer DEFAULT 0 NOT NULL,
	"server" text NOT NULL,
	"leased_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	"sent" integer DEFAULT 0 NOT NULL,
	"failed" integer DEFAULT 0 NOT NULL,
	"skipped" integer DEFAULT 0 NOT NULL,
	"in_doubt" integer DEFAULT 0 NOT NULL,
	"wanted" boolean DEFAULT false NOT NULL,
	"announced_first" integer,
	"announced_last" integer,
	"announced_at" timestamp with time zone,
	CONSTRAINT "dispatch_batch_campaign_id_batch_pk" PRIMARY KEY("campaign_id","batch")
);
--> statement-breakpoint
CREATE TABLE "dispatch_deferral" (
	"campaign_id" text NOT NULL,
	"position" integer NOT NULL,
	"attempts" integer NOT NULL,
	"first_at" timestamp with time zone NOT NULL,
	"due_at" timestamp with time zone NOT NULL,
	"reply" text NOT NULL,
	CONSTRAINT "dispatch_deferral_campaign_id_position_pk" PRIMARY KEY("campaign_id","position")
);
--> statement-breakpoint
CREATE TABLE "dispatch_exclusion" (
	"campaign_id" text NOT NULL,
	"contact_id" bigint NOT NULL,
	"reason" text NOT NULL,
	CONSTRAINT "dispatch_exclusion_campaign_id_contact_id_pk" PRIMARY KEY("campaign_id","contact_id")
);
--> statement-breakpoint
CREATE TABLE "dispatch_outcome" (
	"campaign_id" text NOT NULL,
	"position" integer NOT NULL,
	"contact_id" bigint NOT NULL,
	"batch" integer NOT NULL,
	"server" text NOT NULL,
	"kind" text NOT NULL,
	"reason" text,
	"reply" text,
	"message_id" text,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "dispatch_outcome_campaign_id_position_pk" PRIMARY KEY("campaign_id","position"),
	CONSTRAINT "dispatch_outcome_kind" CHECK ("dispatch_outcome"."kind" in ('sent', 'failed', 'skipped', 'cancelled', 'in_doubt'))
);
--> statement-breakpoint
CREATE TABLE "dispatch_queue" (
	"campaign_id" text NOT NULL,
	"position" integer NOT NULL,
	"contact_id" bigint NOT NULL,
	"variant" smallint DEFAULT 0,
	"language" text NOT NULL,
	CONSTRAINT "dispatch_queue_campaign_id_position_pk" PRIMARY KEY("campaign_id","position")
);
--> statement-breakpoint
CREATE TABLE "server" (
	"name" text PRIMARY KEY NOT NULL,
	"role" text NOT NULL,
	"pool" text DEFAULT '' NOT NULL,
	"host" text NOT NULL,
	"pid" integer NOT NULL,
	"threads" integer DEFAULT 0 NOT NULL,
	"sleep_ms" integer DEFAULT 0 NOT NULL,
	"health" text DEFAULT 'ok' NOT NULL,
	"reads_keys" text[] DEFAULT '{}' NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	"unready" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"stopping_at" timestamp with time zone,
	"stopped_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "test_send" (
	"id" text PRIMARY KEY NOT NULL,
	"campaign_id" text NOT NULL,
	"addresses" jsonb NOT NULL,
	"languages" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"variants" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"results" jsonb
);
--> statement-breakpoint
CREATE TABLE "campaign_statistic" (
	"campaign_id" text NOT NULL,
	"type" text NOT NULL,
	"agent" text NOT NULL,
	"total" integer DEFAULT 0 NOT NULL,
	"unique" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "campaign_statistic_campaign_id_type_agent_pk" PRIMARY KEY("campaign_id","type","agent")
);
--> statement-breakpoint
CREATE TABLE "event_inbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "event_inbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"type" text NOT NULL,
	"campaign_id" text NOT NULL,
	"position" integer NOT NULL,
	"contact_id" bigint NOT NULL,
	"link" smallint,
	"user_agent" text DEFAULT '' NOT NULL,
	"detail" jsonb,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "interaction" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "interaction_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"type" text NOT NULL,
	"campaign_id" text NOT NULL,
	"position" integer NOT NULL,
	"contact_id" bigint NOT NULL,
	"link" smallint,
	"agent" text DEFAULT 'person' NOT NULL,
	"repeats" integer DEFAULT 0 NOT NULL,
	"detail" jsonb,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "feedback" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "feedback_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"source" text NOT NULL,
	"hash" "bytea" NOT NULL,
	"envelope_from" text DEFAULT '' NOT NULL,
	"envelope_to" text DEFAULT '' NOT NULL,
	"raw" "bytea",
	"state" text DEFAULT 'new' NOT NULL,
	"verdict" text DEFAULT '' NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	"processed_at" timestamp with time zone,
	CONSTRAINT "feedback_hash_unique" UNIQUE("hash"),
	CONSTRAINT "feedback_state_known" CHECK ("feedback"."state" in ('new', 'understood', 'unclear', 'dismissed'))
);
--> statement-breakpoint
CREATE TABLE "subscription_request" (
	"id" text PRIMARY KEY NOT NULL,
	"purpose" text DEFAULT 'subscribe' NOT NULL,
	"list_id" integer,
	"contact_id" bigint,
	"email" text NOT NULL,
	"email_key" text NOT NULL,
	"first_name" text DEFAULT '' NOT NULL,
	"last_name" text DEFAULT '' NOT NULL,
	"language" text DEFAULT '' NOT NULL,
	"via" text DEFAULT 'form' NOT NULL,
	"wording" text DEFAULT '' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp with time zone,
	"failure" text,
	"confirmed_at" timestamp with time zone,
	CONSTRAINT "subscription_request_about" CHECK (("subscription_request"."purpose" = 'subscribe') = ("subscription_request"."list_id" is not null) and ("subscription_request"."list_id" is null) = ("subscription_request"."contact_id" is not null))
);
--> statement-breakpoint
ALTER TABLE "campaign_audit" ADD CONSTRAINT "campaign_audit_campaign_id_campaign_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaign"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaign_goal" ADD CONSTRAINT "campaign_goal_campaign_id_campaign_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaign"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaign_link" ADD CONSTRAINT "campaign_link_campaign_id_campaign_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaign"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaign_list" ADD CONSTRAINT "campaign_list_campaign_id_campaign_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaign"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaign_list" ADD CONSTRAINT "campaign_list_list_id_contact_list_id_fk" FOREIGN KEY ("list_id") REFERENCES "public"."contact_list"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaign_variant" ADD CONSTRAINT "campaign_variant_campaign_id_campaign_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaign"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "list_opt_out" ADD CONSTRAINT "list_opt_out_list_id_contact_list_id_fk" FOREIGN KEY ("list_id") REFERENCES "public"."contact_list"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dispatch_batch" ADD CONSTRAINT "dispatch_batch_campaign_id_campaign_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaign"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "test_send" ADD CONSTRAINT "test_send_campaign_id_campaign_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaign"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "campaign_statistic" ADD CONSTRAINT "campaign_statistic_campaign_id_campaign_id_fk" FOREIGN KEY ("campaign_id") REFERENCES "public"."campaign"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscription_request" ADD CONSTRAINT "subscription_request_list_id_contact_list_id_fk" FOREIGN KEY ("list_id") REFERENCES "public"."contact_list"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "campaign_created" ON "campaign" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "campaign_audit_campaign" ON "campaign_audit" USING btree ("campaign_id","id");--> statement-breakpoint
CREATE INDEX "contact_says_no" ON "contact" USING btree ("email_key") WHERE "contact"."do_not_market" or "contact"."consent_revoked";--> statement-breakpoint
CREATE INDEX "email_address_history_email" ON "email_address_history" USING btree ("email_key");--> statement-breakpoint
CREATE INDEX "list_member_contact" ON "list_member" USING btree ("contact_id");--> statement-breakpoint
CREATE INDEX "list_opt_out_email" ON "list_opt_out" USING btree ("email_key");--> statement-breakpoint
CREATE INDEX "dispatch_deferral_due" ON "dispatch_deferral" USING btree ("campaign_id","due_at");--> statement-breakpoint
CREATE INDEX "dispatch_queue_contact" ON "dispatch_queue" USING btree ("contact_id");--> statement-breakpoint
CREATE INDEX "interaction_campaign" ON "interaction" USING btree ("campaign_id","type","position","at");--> statement-breakpoint
CREATE INDEX "interaction_contact" ON "interaction" USING btree ("contact_id","at");--> statement-breakpoint
CREATE INDEX "feedback_state" ON "feedback" USING btree ("state","id");--> statement-breakpoint
CREATE INDEX "subscription_request_email" ON "subscription_request" USING btree ("email_key","list_id");--> statement-breakpoint
CREATE INDEX "subscription_request_contact" ON "subscription_request" USING btree ("contact_id") WHERE "subscription_request"."contact_id" is not null;--> statement-breakpoint
CREATE INDEX "subscription_request_pending" ON "subscription_request" USING btree ("created_at") WHERE "subscription_request"."sent_at" is null and "subscription_request"."failure" is null;