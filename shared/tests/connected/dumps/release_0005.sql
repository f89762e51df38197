-- A database of the release with migration 0005, as pg_dump --column-inserts wrote it.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.attempts (
    token uuid NOT NULL,
    report_id uuid NOT NULL,
    model_id text NOT NULL,
    image_index integer NOT NULL,
    run_index integer NOT NULL,
    state text NOT NULL,
    reserved_usd numeric NOT NULL,
    billed_usd numeric,
    lease_ends_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    settled_at timestamp with time zone,
    late_result json,
    CONSTRAINT ck_attempts_state CHECK ((state = ANY (ARRAY['in_flight'::text, 'settled'::text, 'released'::text, 'lapsed'::text])))
);
CREATE TABLE public.benchmark_jobs (
    report_id uuid NOT NULL,
    model_id text NOT NULL,
    image_index integer NOT NULL,
    run_index integer NOT NULL,
    state text NOT NULL,
    due_at timestamp with time zone,
    attempts integer NOT NULL,
    calls integer DEFAULT 0 NOT NULL,
    worst_case_usd numeric DEFAULT 0 NOT NULL,
    CONSTRAINT ck_benchmark_jobs_state CHECK ((state = ANY (ARRAY['pending'::text, 'in_flight'::text, 'done'::text])))
);
CREATE TABLE public.benchmark_runs (
    report_id uuid NOT NULL,
    model_id text NOT NULL,
    image_index integer NOT NULL,
    run_index integer NOT NULL,
    outcome text NOT NULL,
    unmeasured_reason text,
    passed boolean,
    passed_relaxed boolean,
    field_diffs json,
    output_json json,
    output_text text,
    response_time_ms integer,
    prompt_tokens integer,
    completion_tokens integer,
    total_tokens integer,
    cost numeric,
    provider text,
    generation_id text,
    attempts integer NOT NULL,
    error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.draft_images (
    id uuid NOT NULL,
    draft_id uuid NOT NULL,
    "position" integer NOT NULL,
    storage_key text NOT NULL,
    sha256 text NOT NULL,
    media_type text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    bytes integer NOT NULL,
    expected_json json,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.drafts (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    extraction_prompt text NOT NULL,
    json_schema json,
    selected_models text[] NOT NULL,
    data_policy text NOT NULL,
    status text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_drafts_data_policy CHECK ((data_policy = ANY (ARRAY['any'::text, 'no_training'::text]))),
    CONSTRAINT ck_drafts_status CHECK ((status = ANY (ARRAY['draft'::text, 'ready'::text, 'paid'::text])))
);
CREATE TABLE public.emails (
    key text NOT NULL,
    template text NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    text_body text,
    html_body text,
    erase_body boolean NOT NULL,
    report_id uuid,
    message_id text NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    last_error text,
    next_attempt_at timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    sent_at timestamp with time zone,
    CONSTRAINT ck_emails_state CHECK ((state = ANY (ARRAY['pending'::text, 'sent'::text, 'failed'::text])))
);
CREATE TABLE public.image_deletions (
    storage_key text NOT NULL,
    draft_id uuid NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.orders (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    draft_id uuid NOT NULL,
    status text NOT NULL,
    amount_cents integer NOT NULL,
    currency text NOT NULL,
    snapshot json NOT NULL,
    stripe_session_id text,
    session_url text,
    payment_intent_id text,
    expires_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_orders_status CHECK ((status = ANY (ARRAY['open'::text, 'paid'::text, 'expired'::text, 'cancelled'::text, 'problem'::text])))
);
CREATE TABLE public.outbox (
    id uuid NOT NULL,
    source text NOT NULL,
    exchange text NOT NULL,
    routing_key text NOT NULL,
    type text NOT NULL,
    correlation_id uuid,
    body text,
    headers json NOT NULL,
    erase_body boolean NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    sent_at timestamp with time zone
);
CREATE TABLE public.platform_pauses (
    platform text NOT NULL,
    reason text NOT NULL,
    began_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.rate_limits (
    name text NOT NULL,
    subject bytea NOT NULL,
    admitted_at timestamp with time zone[] NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.refunds (
    payment_intent_id text NOT NULL,
    order_id uuid NOT NULL,
    amount_cents integer NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.report_exports (
    report_id uuid NOT NULL,
    kind text NOT NULL,
    revision integer NOT NULL,
    body bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ck_report_exports_kind CHECK ((kind = ANY (ARRAY['document'::text, 'pdf'::text, 'preview'::text])))
);
CREATE TABLE public.report_models (
    report_id uuid NOT NULL,
    model_id text NOT NULL,
    "position" integer NOT NULL,
    total integer NOT NULL,
    done integer NOT NULL,
    passed integer NOT NULL,
    failed integer NOT NULL,
    unmeasured integer NOT NULL,
    provider text,
    max_tokens integer
);
CREATE TABLE public.reports (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    draft_id uuid NOT NULL,
    order_id uuid NOT NULL,
    stripe_session_id text NOT NULL,
    email text NOT NULL,
    status text NOT NULL,
    share_token text,
    config_snapshot json NOT NULL,
    total_jobs integer NOT NULL,
    completed_jobs integer NOT NULL,
    spent_usd numeric NOT NULL,
    reserved_usd numeric NOT NULL,
    ceiling_usd numeric NOT NULL,
    over_ceiling boolean NOT NULL,
    revision integer NOT NULL,
    failure_reason text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    deadline_at timestamp with time zone,
    paused_at timestamp with time zone,
    paused_s numeric DEFAULT 0 NOT NULL,
    images_removed_at timestamp with time zone,
    CONSTRAINT ck_reports_ceiling CHECK ((over_ceiling OR ((spent_usd + reserved_usd) <= ceiling_usd))),
    CONSTRAINT ck_reports_counter CHECK ((completed_jobs <= total_jobs)),
    CONSTRAINT ck_reports_status CHECK ((status = ANY (ARRAY['paid'::text, 'running'::text, 'complete'::text, 'partial'::text, 'failed'::text])))
);
CREATE TABLE public.sessions (
    token_hash bytea NOT NULL,
    user_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.sign_in_tokens (
    id uuid NOT NULL,
    token_hash bytea NOT NULL,
    email text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.stripe_events (
    id text NOT NULL,
    type text NOT NULL,
    session_id text,
    problem text,
    received_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.users (
    id uuid NOT NULL,
    email text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);
INSERT INTO public.alembic_version (version_num) VALUES ('0005');
INSERT INTO public.attempts (token, report_id, model_id, image_index, run_index, state, reserved_usd, billed_usd, lease_ends_at, created_at, settled_at, late_result) VALUES ('0192a000-0000-7000-8000-00000000001e', '0192a000-0000-7000-8000-000000000014', 'openai/gpt-5-mini', 0, 0, 'settled', 0, 0.00012345, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', NULL);
INSERT INTO public.attempts (token, report_id, model_id, image_index, run_index, state, reserved_usd, billed_usd, lease_ends_at, created_at, settled_at, late_result) VALUES ('0192a000-0000-7000-8000-00000000001f', '0192a000-0000-7000-8000-000000000014', 'openai/gpt-5-mini', 0, 1, 'in_flight', 0.5, NULL, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', NULL, NULL);
INSERT INTO public.benchmark_jobs (report_id, model_id, image_index, run_index, state, due_at, attempts, calls, worst_case_usd) VALUES ('0192a000-0000-7000-8000-000000000014', 'openai/gpt-5-mini', 0, 0, 'done', NULL, 1, 1, 0.01);
INSERT INTO public.benchmark_jobs (report_id, model_id, image_index, run_index, state, due_at, attempts, calls, worst_case_usd) VALUES ('0192a000-0000-7000-8000-000000000014', 'openai/gpt-5-mini', 0, 1, 'in_flight', '2026-01-02 03:04:05.678901+00', 1, 0, 0.01);
INSERT INTO public.benchmark_jobs (report_id, model_id, image_index, run_index, state, due_at, attempts, calls, worst_case_usd) VALUES ('0192a000-0000-7000-8000-000000000014', 'openai/gpt-5-mini', 0, 2, 'pending', '2026-01-02 03:04:05.678901+00', 0, 0, 0.01);
INSERT INTO public.benchmark_runs (report_id, model_id, image_index, run_index, outcome, unmeasured_reason, passed, passed_relaxed, field_diffs, output_json, output_text, response_time_ms, prompt_tokens, completion_tokens, total_tokens, cost, provider, generation_id, attempts, error, created_at) VALUES ('0192a000-0000-7000-8000-000000000014', 'openai/gpt-5-mini', 0, 0, 'passed', NULL, true, true, '[]', '{"total": 1.50}', '{"total": 1.50}', 1234, 900, 20, 920, 0.00012345, 'OpenAI', 'gen-1', 1, NULL, '2026-01-02 03:04:05.678901+00');
INSERT INTO public.draft_images (id, draft_id, "position", storage_key, sha256, media_type, width, height, bytes, expected_json, created_at) VALUES ('0192a000-0000-7000-8000-000000000006', '0192a000-0000-7000-8000-000000000004', 0, 'images/1', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'image/png', 800, 1000, 200000, '{"total": 1.50, "a": null}', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.draft_images (id, draft_id, "position", storage_key, sha256, media_type, width, height, bytes, expected_json, created_at) VALUES ('0192a000-0000-7000-8000-000000000007', '0192a000-0000-7000-8000-000000000005', 0, 'images/2', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'image/gif', 1, 1, 43, 'null', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.draft_images (id, draft_id, "position", storage_key, sha256, media_type, width, height, bytes, expected_json, created_at) VALUES ('0192a000-0000-7000-8000-000000000008', '0192a000-0000-7000-8000-000000000005', 1, 'images/3', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 'image/gif', 1, 1, 43, NULL, '2026-01-02 03:04:05.678901+00');
INSERT INTO public.drafts (id, user_id, name, extraction_prompt, json_schema, selected_models, data_policy, status, created_at, updated_at) VALUES ('0192a000-0000-7000-8000-000000000004', '0192a000-0000-7000-8000-000000000001', 'Receipts', 'Read it.', '{"type": "object"}', '{openai/gpt-5-mini}', 'any', 'paid', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.drafts (id, user_id, name, extraction_prompt, json_schema, selected_models, data_policy, status, created_at, updated_at) VALUES ('0192a000-0000-7000-8000-000000000005', '0192a000-0000-7000-8000-000000000002', '', 'Read it.', NULL, '{}', 'no_training', 'draft', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.emails (key, template, recipient, subject, text_body, html_body, erase_body, report_id, message_id, state, attempts, last_error, next_attempt_at, created_at, sent_at) VALUES ('report-paid/1', 'report_paid', 'ada@example.com', 'Thank you', 'text', '<p>html</p>', false, '0192a000-0000-7000-8000-000000000014', '<1@modelpick.ai>', 'sent', 1, NULL, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.emails (key, template, recipient, subject, text_body, html_body, erase_body, report_id, message_id, state, attempts, last_error, next_attempt_at, created_at, sent_at) VALUES ('report-failed/2', 'report_failed', 'bob@example.com', 'Sorry', 'text', '<p>html</p>', false, '0192a000-0000-7000-8000-000000000015', '<2@modelpick.ai>', 'pending', 2, 'timeout', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', NULL);
INSERT INTO public.emails (key, template, recipient, subject, text_body, html_body, erase_body, report_id, message_id, state, attempts, last_error, next_attempt_at, created_at, sent_at) VALUES ('sign-in/3', 'sign_in', 'bob@example.com', 'Sign in', NULL, NULL, true, NULL, '<3@modelpick.ai>', 'failed', 9, 'refused', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', NULL);
INSERT INTO public.image_deletions (storage_key, draft_id, due_at, created_at) VALUES ('images/gone', '0192a000-0000-7000-8000-000000000009', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.orders (id, user_id, draft_id, status, amount_cents, currency, snapshot, stripe_session_id, session_url, payment_intent_id, expires_at, settled_at, created_at) VALUES ('0192a000-0000-7000-8000-00000000000a', '0192a000-0000-7000-8000-000000000001', '0192a000-0000-7000-8000-000000000004', 'paid', 1499, 'usd', '{"models":[{"id":"anthropic/claude-opus-5","name":"Claude Opus 5","provider":"Anthropic","tier":"premium","input_usd_per_1m":"5","output_usd_per_1m":"25","max_input_usd_per_1m":"5.5","max_output_usd_per_1m":"27.5","context_length":1000000,"max_output_tokens":null,"input_modalities":["image","text"],"supports":["max_tokens","reasoning"],"reasoning_efforts":["low","medium","high"],"reasoning_mandatory":true,"max_concurrency":null}],"images":[{"key":"images/0","sha256":"0000000000000000000000000000000000000000000000000000000000000000","media_type":"image/png","width":800,"height":1000,"bytes":200000,"expected":{"total":0}}],"extraction_prompt":"Read the receipt: café ☕, ''quoted'', \\ and 100 %.","json_schema":null,"runs_per_image":3,"data_policy":"any"}', 'cs_paid', 'https://pay.example/1', 'pi_paid', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.orders (id, user_id, draft_id, status, amount_cents, currency, snapshot, stripe_session_id, session_url, payment_intent_id, expires_at, settled_at, created_at) VALUES ('0192a000-0000-7000-8000-00000000000b', '0192a000-0000-7000-8000-000000000002', '0192a000-0000-7000-8000-000000000005', 'open', 1499, 'usd', '{"models":[{"id":"anthropic/claude-opus-5","name":"Claude Opus 5","provider":"Anthropic","tier":"premium","input_usd_per_1m":"5","output_usd_per_1m":"25","max_input_usd_per_1m":"5.5","max_output_usd_per_1m":"27.5","context_length":1000000,"max_output_tokens":null,"input_modalities":["image","text"],"supports":["max_tokens","reasoning"],"reasoning_efforts":["low","medium","high"],"reasoning_mandatory":true,"max_concurrency":null}],"images":[{"key":"images/0","sha256":"0000000000000000000000000000000000000000000000000000000000000000","media_type":"image/png","width":800,"height":1000,"bytes":200000,"expected":{"total":0}}],"extraction_prompt":"Read the receipt: café ☕, ''quoted'', \\ and 100 %.","json_schema":null,"runs_per_image":3,"data_policy":"any"}', 'cs_open', NULL, NULL, '2026-01-02 03:04:05.678901+00', NULL, '2026-01-02 03:04:05.678901+00');
INSERT INTO public.orders (id, user_id, draft_id, status, amount_cents, currency, snapshot, stripe_session_id, session_url, payment_intent_id, expires_at, settled_at, created_at) VALUES ('0192a000-0000-7000-8000-00000000000c', '0192a000-0000-7000-8000-000000000002', '0192a000-0000-7000-8000-000000000005', 'expired', 1499, 'usd', '{"models":[{"id":"anthropic/claude-opus-5","name":"Claude Opus 5","provider":"Anthropic","tier":"premium","input_usd_per_1m":"5","output_usd_per_1m":"25","max_input_usd_per_1m":"5.5","max_output_usd_per_1m":"27.5","context_length":1000000,"max_output_tokens":null,"input_modalities":["image","text"],"supports":["max_tokens","reasoning"],"reasoning_efforts":["low","medium","high"],"reasoning_mandatory":true,"max_concurrency":null}],"images":[{"key":"images/0","sha256":"0000000000000000000000000000000000000000000000000000000000000000","media_type":"image/png","width":800,"height":1000,"bytes":200000,"expected":{"total":0}}],"extraction_prompt":"Read the receipt: café ☕, ''quoted'', \\ and 100 %.","json_schema":null,"runs_per_image":3,"data_policy":"any"}', NULL, NULL, NULL, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.orders (id, user_id, draft_id, status, amount_cents, currency, snapshot, stripe_session_id, session_url, payment_intent_id, expires_at, settled_at, created_at) VALUES ('0192a000-0000-7000-8000-00000000000d', '0192a000-0000-7000-8000-000000000002', '0192a000-0000-7000-8000-00000000000e', 'paid', 1499, 'usd', '{"models":[{"id":"anthropic/claude-opus-5","name":"Claude Opus 5","provider":"Anthropic","tier":"premium","input_usd_per_1m":"5","output_usd_per_1m":"25","max_input_usd_per_1m":"5.5","max_output_usd_per_1m":"27.5","context_length":1000000,"max_output_tokens":null,"input_modalities":["image","text"],"supports":["max_tokens","reasoning"],"reasoning_efforts":["low","medium","high"],"reasoning_mandatory":true,"max_concurrency":null}],"images":[{"key":"images/0","sha256":"0000000000000000000000000000000000000000000000000000000000000000","media_type":"image/png","width":800,"height":1000,"bytes":200000,"expected":{"total":0}}],"extraction_prompt":"Read the receipt: café ☕, ''quoted'', \\ and 100 %.","json_schema":null,"runs_per_image":3,"data_policy":"any"}', 'cs_failed', NULL, 'pi_failed', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.outbox (id, source, exchange, routing_key, type, correlation_id, body, headers, erase_body, created_at, sent_at) VALUES ('0192a000-0000-7000-8000-000000000028', 'webhook', 'modelpick.events', 'report.paid', 'report.paid', '0192a000-0000-7000-8000-000000000014', '{"message_id": "0192a000-0000-7000-8000-000000000028", "type": "report.paid", "schema_version": 1, "occurred_at": "2026-01-02T03:04:05Z", "correlation_id": "0192a000-0000-7000-8000-000000000014", "data": {"report_id": "0192a000-0000-7000-8000-000000000014"}}', '{}', false, '2026-01-02 03:04:05.678901+00', NULL);
INSERT INTO public.outbox (id, source, exchange, routing_key, type, correlation_id, body, headers, erase_body, created_at, sent_at) VALUES ('0192a000-0000-7000-8000-000000000029', 'checkout', 'modelpick.events', 'mail.requested', 'mail.requested', NULL, NULL, '{"traceparent": "00-1"}', true, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.platform_pauses (platform, reason, began_at) VALUES ('openrouter', 'no credit', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.rate_limits (name, subject, admitted_at, expires_at) VALUES ('uploads', '\x00', '{"2026-01-02 03:04:05.678901+00","2026-01-02 03:04:05.678901+00"}', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.refunds (payment_intent_id, order_id, amount_cents, reason, created_at) VALUES ('pi_failed', '0192a000-0000-7000-8000-00000000000d', 1499, 'nothing could be measured', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.report_exports (report_id, kind, revision, body, created_at) VALUES ('0192a000-0000-7000-8000-000000000015', 'document', 9, '\x1f8b00ff', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.report_models (report_id, model_id, "position", total, done, passed, failed, unmeasured, provider, max_tokens) VALUES ('0192a000-0000-7000-8000-000000000014', 'openai/gpt-5-mini', 0, 3, 1, 1, 0, 0, NULL, NULL);
INSERT INTO public.report_models (report_id, model_id, "position", total, done, passed, failed, unmeasured, provider, max_tokens) VALUES ('0192a000-0000-7000-8000-000000000015', 'openai/gpt-5-mini', 0, 3, 3, 0, 0, 3, NULL, NULL);
INSERT INTO public.reports (id, user_id, draft_id, order_id, stripe_session_id, email, status, share_token, config_snapshot, total_jobs, completed_jobs, spent_usd, reserved_usd, ceiling_usd, over_ceiling, revision, failure_reason, created_at, started_at, completed_at, deadline_at, paused_at, paused_s, images_removed_at) VALUES ('0192a000-0000-7000-8000-000000000014', '0192a000-0000-7000-8000-000000000001', '0192a000-0000-7000-8000-000000000004', '0192a000-0000-7000-8000-00000000000a', 'cs_paid', 'ada@example.com', 'running', 'share-1', '{"models":[{"id":"anthropic/claude-opus-5","name":"Claude Opus 5","provider":"Anthropic","tier":"premium","input_usd_per_1m":"5","output_usd_per_1m":"25","max_input_usd_per_1m":"5.5","max_output_usd_per_1m":"27.5","context_length":1000000,"max_output_tokens":null,"input_modalities":["image","text"],"supports":["max_tokens","reasoning"],"reasoning_efforts":["low","medium","high"],"reasoning_mandatory":true,"max_concurrency":null}],"images":[{"key":"images/0","sha256":"0000000000000000000000000000000000000000000000000000000000000000","media_type":"image/png","width":800,"height":1000,"bytes":200000,"expected":{"total":0}}],"extraction_prompt":"Read the receipt: café ☕, ''quoted'', \\ and 100 %.","json_schema":null,"runs_per_image":3,"data_policy":"any"}', 3, 1, 0.00012345, 0.5, 7.00, false, 4, NULL, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', NULL, '2026-01-02 03:04:05.678901+00', NULL, 0, NULL);
INSERT INTO public.reports (id, user_id, draft_id, order_id, stripe_session_id, email, status, share_token, config_snapshot, total_jobs, completed_jobs, spent_usd, reserved_usd, ceiling_usd, over_ceiling, revision, failure_reason, created_at, started_at, completed_at, deadline_at, paused_at, paused_s, images_removed_at) VALUES ('0192a000-0000-7000-8000-000000000015', '0192a000-0000-7000-8000-000000000002', '0192a000-0000-7000-8000-00000000000e', '0192a000-0000-7000-8000-00000000000d', 'cs_failed', 'bob@example.com', 'failed', NULL, '{"models":[{"id":"anthropic/claude-opus-5","name":"Claude Opus 5","provider":"Anthropic","tier":"premium","input_usd_per_1m":"5","output_usd_per_1m":"25","max_input_usd_per_1m":"5.5","max_output_usd_per_1m":"27.5","context_length":1000000,"max_output_tokens":null,"input_modalities":["image","text"],"supports":["max_tokens","reasoning"],"reasoning_efforts":["low","medium","high"],"reasoning_mandatory":true,"max_concurrency":null}],"images":[{"key":"images/0","sha256":"0000000000000000000000000000000000000000000000000000000000000000","media_type":"image/png","width":800,"height":1000,"bytes":200000,"expected":{"total":0}}],"extraction_prompt":"Read the receipt: café ☕, ''quoted'', \\ and 100 %.","json_schema":null,"runs_per_image":3,"data_policy":"any"}', 3, 3, 0, 0, 7.00, false, 9, 'nothing could be measured', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', NULL, 0, NULL);
INSERT INTO public.sessions (token_hash, user_id, expires_at, revoked_at, created_at) VALUES ('\xabcd', '0192a000-0000-7000-8000-000000000001', '2036-01-02 03:04:05+00', NULL, '2026-01-02 03:04:05.678901+00');
INSERT INTO public.sessions (token_hash, user_id, expires_at, revoked_at, created_at) VALUES ('\xabce', '0192a000-0000-7000-8000-000000000002', '2036-01-02 03:04:05+00', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.sign_in_tokens (id, token_hash, email, expires_at, used_at, created_at) VALUES ('0192a000-0000-7000-8000-000000000003', '\x01ff', 'ada@example.com', '2026-01-02 03:19:05+00', '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.stripe_events (id, type, session_id, problem, received_at) VALUES ('evt_1', 'checkout.session.completed', 'cs_paid', NULL, '2026-01-02 03:04:05.678901+00');
INSERT INTO public.stripe_events (id, type, session_id, problem, received_at) VALUES ('evt_2', 'checkout.session.completed', 'cs_x', 'wrong amount', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.users (id, email, created_at) VALUES ('0192a000-0000-7000-8000-000000000001', 'ada@example.com', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.users (id, email, created_at) VALUES ('0192a000-0000-7000-8000-000000000002', 'bob@example.com', '2026-01-02 03:04:05.678901+00');
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT pk_attempts PRIMARY KEY (token);
ALTER TABLE ONLY public.benchmark_jobs
    ADD CONSTRAINT pk_benchmark_jobs PRIMARY KEY (report_id, model_id, image_index, run_index);
ALTER TABLE ONLY public.benchmark_runs
    ADD CONSTRAINT pk_benchmark_runs PRIMARY KEY (report_id, model_id, image_index, run_index);
ALTER TABLE ONLY public.draft_images
    ADD CONSTRAINT pk_draft_images PRIMARY KEY (id);
ALTER TABLE ONLY public.drafts
    ADD CONSTRAINT pk_drafts PRIMARY KEY (id);
ALTER TABLE ONLY public.emails
    ADD CONSTRAINT pk_emails PRIMARY KEY (key);
ALTER TABLE ONLY public.image_deletions
    ADD CONSTRAINT pk_image_deletions PRIMARY KEY (storage_key);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT pk_orders PRIMARY KEY (id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT pk_outbox PRIMARY KEY (id);
ALTER TABLE ONLY public.platform_pauses
    ADD CONSTRAINT pk_platform_pauses PRIMARY KEY (platform);
ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT pk_rate_limits PRIMARY KEY (name, subject);
ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT pk_refunds PRIMARY KEY (payment_intent_id);
ALTER TABLE ONLY public.report_exports
    ADD CONSTRAINT pk_report_exports PRIMARY KEY (report_id, kind);
ALTER TABLE ONLY public.report_models
    ADD CONSTRAINT pk_report_models PRIMARY KEY (report_id, model_id);
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT pk_reports PRIMARY KEY (id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT pk_sessions PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.sign_in_tokens
    ADD CONSTRAINT pk_sign_in_tokens PRIMARY KEY (id);
ALTER TABLE ONLY public.stripe_events
    ADD CONSTRAINT pk_stripe_events PRIMARY KEY (id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT pk_users PRIMARY KEY (id);
ALTER TABLE ONLY public.draft_images
    ADD CONSTRAINT uq_draft_images_draft_id_position UNIQUE (draft_id, "position") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ONLY public.draft_images
    ADD CONSTRAINT uq_draft_images_draft_id_sha256 UNIQUE (draft_id, sha256);
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT uq_orders_stripe_session_id UNIQUE (stripe_session_id);
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT uq_reports_order_id UNIQUE (order_id);
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT uq_reports_share_token UNIQUE (share_token);
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT uq_reports_stripe_session_id UNIQUE (stripe_session_id);
ALTER TABLE ONLY public.sign_in_tokens
    ADD CONSTRAINT uq_sign_in_tokens_token_hash UNIQUE (token_hash);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT uq_users_email UNIQUE (email);
CREATE INDEX ix_attempts_job ON public.attempts USING btree (report_id, model_id, image_index, run_index);
CREATE INDEX ix_attempts_lease ON public.attempts USING btree (lease_ends_at) WHERE (state = 'in_flight'::text);
CREATE INDEX ix_benchmark_jobs_in_flight ON public.benchmark_jobs USING btree (model_id, report_id) WHERE (state = 'in_flight'::text);
CREATE INDEX ix_benchmark_jobs_pending ON public.benchmark_jobs USING btree (model_id, report_id, run_index, image_index) WHERE (state = 'pending'::text);
CREATE INDEX ix_draft_images_sha256 ON public.draft_images USING btree (sha256);
CREATE INDEX ix_drafts_unpaid ON public.drafts USING btree (updated_at) WHERE (status <> 'paid'::text);
CREATE INDEX ix_drafts_user_id_created_at ON public.drafts USING btree (user_id, created_at);
CREATE INDEX ix_emails_pending ON public.emails USING btree (next_attempt_at) WHERE (state = 'pending'::text);
CREATE INDEX ix_image_deletions_due_at ON public.image_deletions USING btree (due_at);
CREATE INDEX ix_orders_draft_id ON public.orders USING btree (draft_id);
CREATE INDEX ix_orders_user_id ON public.orders USING btree (user_id);
CREATE INDEX ix_outbox_sent_at ON public.outbox USING btree (sent_at) WHERE (sent_at IS NOT NULL);
CREATE INDEX ix_outbox_unsent ON public.outbox USING btree (source, id) WHERE (sent_at IS NULL);
CREATE INDEX ix_refunds_order_id ON public.refunds USING btree (order_id);
CREATE INDEX ix_reports_images_kept ON public.reports USING btree (created_at) WHERE (images_removed_at IS NULL);
CREATE INDEX ix_reports_user_id_created_at ON public.reports USING btree (user_id, created_at);
CREATE INDEX ix_reports_waiting ON public.reports USING btree (created_at) WHERE (status = ANY (ARRAY['paid'::text, 'running'::text]));
CREATE INDEX ix_sessions_user_id ON public.sessions USING btree (user_id);
CREATE INDEX ix_stripe_events_session_id ON public.stripe_events USING btree (session_id);
CREATE UNIQUE INDEX uq_orders_open_draft ON public.orders USING btree (draft_id) WHERE (status = 'open'::text);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT fk_attempts_job FOREIGN KEY (report_id, model_id, image_index, run_index) REFERENCES public.benchmark_jobs(report_id, model_id, image_index, run_index) ON DELETE CASCADE;
ALTER TABLE ONLY public.benchmark_jobs
    ADD CONSTRAINT fk_benchmark_jobs_report_id_reports FOREIGN KEY (report_id) REFERENCES public.reports(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.benchmark_runs
    ADD CONSTRAINT fk_benchmark_runs_report_id_reports FOREIGN KEY (report_id) REFERENCES public.reports(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.draft_images
    ADD CONSTRAINT fk_draft_images_draft_id_drafts FOREIGN KEY (draft_id) REFERENCES public.drafts(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.drafts
    ADD CONSTRAINT fk_drafts_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.orders
    ADD CONSTRAINT fk_orders_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id);
ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT fk_refunds_order_id_orders FOREIGN KEY (order_id) REFERENCES public.orders(id);
ALTER TABLE ONLY public.report_exports
    ADD CONSTRAINT fk_report_exports_report_id_reports FOREIGN KEY (report_id) REFERENCES public.reports(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.report_models
    ADD CONSTRAINT fk_report_models_report_id_reports FOREIGN KEY (report_id) REFERENCES public.reports(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT fk_reports_order_id_orders FOREIGN KEY (order_id) REFERENCES public.orders(id);
ALTER TABLE ONLY public.reports
    ADD CONSTRAINT fk_reports_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT fk_sessions_user_id_users FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
