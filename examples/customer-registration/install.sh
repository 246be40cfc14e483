# Installs the application on an instance with Amazon Linux 2023 and starts it. Runs as root in user data, after the data volume is
# mounted; running it again changes nothing but the application's version. `ROOT` is empty outside of tests.
set -euo pipefail

ROOT=${ROOT:-}
readonly home=$ROOT/opt/customer-registration
readonly data=$ROOT$DATA_DIRECTORY

dnf install --assumeyes --quiet nodejs22 logrotate poppler-utils
id registration >/dev/null 2>&1 || useradd --system --shell /sbin/nologin --no-create-home registration

mkdir -p "$home" "$data/logs" "$data/sessions" "$ROOT/etc/systemd/system" "$ROOT/etc/logrotate.d"
chown registration: "$data/sessions"
chmod 0700 "$data/sessions"
chmod 0750 "$data/logs"
aws s3 cp --only-show-errors "$APPLICATION_SOURCE" "$home/main.js"

# Names and addresses only: the application gets its credentials from the instance's role.
(
  umask 077
  for name in CUSTOMER_TABLE LEDGER_TABLE ATTACHMENT_BUCKET RESULT_BUCKET QUARANTINE_BUCKET \
    TOKEN_ISSUER TOKEN_CLIENTS DATA_DIRECTORY PORT AWS_REGION; do
    printf '%s=%s\n' "$name" "${!name}"
  done >"$home/environment"
)

cat >"$ROOT/etc/systemd/system/customer-registration.service" <<UNIT
[Unit]
Description=Customer registration
After=network-online.target
Wants=network-online.target
RequiresMountsFor=$DATA_DIRECTORY

[Service]
User=registration
EnvironmentFile=/opt/customer-registration/environment
ExecStart=/usr/bin/env node /opt/customer-registration/main.js
Restart=always
RestartSec=2
StandardOutput=append:$DATA_DIRECTORY/logs/application.log
StandardError=append:$DATA_DIRECTORY/logs/application.log
NoNewPrivileges=true
PrivateTmp=true
PrivateDevices=true
ProtectHome=true
ProtectSystem=strict
ReadWritePaths=$DATA_DIRECTORY/sessions
CapabilityBoundingSet=
LockPersonality=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX

[Install]
WantedBy=multi-user.target
UNIT

# systemd keeps the file open, so it is copied and emptied instead of moved away.
cat >"$ROOT/etc/logrotate.d/customer-registration" <<ROTATION
$DATA_DIRECTORY/logs/*.log {
  daily
  maxsize 100M
  rotate 30
  dateext
  dateformat -%Y%m%d-%s
  compress
  copytruncate
  missingok
  notifempty
}
ROTATION

systemctl daemon-reload
systemctl enable --now logrotate.timer
systemctl enable customer-registration
systemctl restart customer-registration
