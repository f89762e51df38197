#!/bin/sh
# Makes the files that docker-compose.yml reads secrets from, in SECRETS_DIR (./secrets): random passwords, and the
# keys of vendors as the environment has them (STRIPE_SECRET_KEY and so on). What is there already stays; write a key
# into its file to change it. An empty file means that there is none. Run it again after an upgrade, for what is new.
set -eu
umask 077
folder=${SECRETS_DIR:-./secrets}
mkdir -p "$folder"

# Others cannot enter the folder; a container's user must be able to read the file mounted from it.
put() { # NAME VALUE
	[ -e "$folder/$1" ] || { printf '%s' "$2" >"$folder/$1"; chmod 444 "$folder/$1"; }
}
password() { # NAME
	put "$1" "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
}
value() { # NAME
	cat "$folder/$1"
}

password postgres_password
put database_url "postgresql://modelpick:$(value postgres_password)@postgres:5432/modelpick"
for role in checkout webhook orchestrator notifier reports simulator; do
	password "database_password_$role"
done
for role in checkout webhook orchestrator notifier reports; do
	put "database_url_$role" \
		"postgresql://modelpick_$role:$(value "database_password_$role")@postgres:5432/modelpick"
done

password rabbitmq_password
put rabbitmq_url "amqp://modelpick:$(value rabbitmq_password)@rabbitmq:5672/"
for service in checkout webhook orchestrator model-worker notifier reports; do
	password "rabbitmq_password_$service"
	put "rabbitmq_url_$service" \
		"amqp://modelpick-$service:$(value "rabbitmq_password_$service")@rabbitmq:5672/"
done

# The broker loads its users when it starts: its owner, and the services with what each may do.
definitions() {
	awk -v folder="$folder" '
		function of(file,   line) { getline line < (folder "/" file); close(folder "/" file); return line }
		/"users": \[/ {
			print
			printf "    {\"name\": \"modelpick\", \"password\": \"%s\", ", of("rabbitmq_password")
			print "\"tags\": \"administrator\"},"
			next
		}
		/"permissions": \[/ {
			print
			print "    {\"user\": \"modelpick\", \"vhost\": \"/\", \"configure\": \".*\", \"write\": \".*\", \"read\": \".*\"},"
			next
		}
		/"name": "modelpick-/ { split($0, words, "\""); service = words[4]; sub("modelpick-", "", service) }
		/"password_hash"/ { printf "      \"password\": \"%s\",\n", of("rabbitmq_password_" service); next }
		/"hashing_algorithm"/ { next }
		{ print }
	' "$(dirname "$0")/../rabbitmq/definitions.json"
}
# Made of the passwords each time: a newer release's services may need to do more.
definitions >"$folder/.rabbitmq_definitions"
chmod 444 "$folder/.rabbitmq_definitions"
mv -f "$folder/.rabbitmq_definitions" "$folder/rabbitmq_definitions"

password grafana_password
put openrouter_api_key "${OPENROUTER_API_KEY:-}"
put otel_exporter_otlp_headers "${OTEL_EXPORTER_OTLP_HEADERS:-}"
put resend_api_key "${RESEND_API_KEY:-}"
put resend_webhook_secret "${RESEND_WEBHOOK_SECRET:-}"
put smtp_url "${SMTP_URL:-}"
put stripe_secret_key "${STRIPE_SECRET_KEY:-}"
put stripe_webhook_secret "${STRIPE_WEBHOOK_SECRET:-}"
