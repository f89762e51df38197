-- Made from modelpick_shared.db.grants by `python -m modelpick_local.access_files`.
-- Makes the services' roles where the owner of the database may make none. As an administrator:
--   psql -v prefix=DATABASE_NAME -v checkout_password=... [one for each role] -f roles.sql
-- Migrations, which run as the owner, then give each role exactly its grants. Safe to repeat.
\set ON_ERROR_STOP on

SELECT format('CREATE ROLE %I', :'prefix' || '_checkout')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'prefix' || '_checkout') \gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'prefix' || '_checkout', :'checkout_password') \gexec

SELECT format('CREATE ROLE %I', :'prefix' || '_webhook')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'prefix' || '_webhook') \gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'prefix' || '_webhook', :'webhook_password') \gexec

SELECT format('CREATE ROLE %I', :'prefix' || '_orchestrator')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'prefix' || '_orchestrator') \gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'prefix' || '_orchestrator', :'orchestrator_password') \gexec

SELECT format('CREATE ROLE %I', :'prefix' || '_notifier')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'prefix' || '_notifier') \gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'prefix' || '_notifier', :'notifier_password') \gexec

SELECT format('CREATE ROLE %I', :'prefix' || '_reports')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'prefix' || '_reports') \gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'prefix' || '_reports', :'reports_password') \gexec

SELECT format('CREATE ROLE %I', :'prefix' || '_simulator')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'prefix' || '_simulator') \gexec
SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', :'prefix' || '_simulator', :'simulator_password') \gexec
