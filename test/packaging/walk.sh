#!/bin/bash
# What a new user does, and what happens to a service, inside the machine that new-machine.sh has booted. Each line says what
# was seen; the last one says whether all of it was right.
set -u
failed=0
config=/etc/sallyport/sallyport.yaml

is() { # WHAT WANTED SEEN
  if [ "$2" = "$3" ]; then echo "ok: $1: $3"; else
    echo "WRONG: $1: wanted $2, saw $3"
    failed=1
  fi
}
does() { # WHAT COMMAND...
  local what=$1 said
  shift
  if said=$("$@" 2>&1); then echo "ok: $what"; else
    echo "WRONG: $what: $said"
    failed=1
  fi
}
fails() { # WHAT COMMAND...
  local what=$1 said
  shift
  if said=$("$@" 2>&1); then
    echo "WRONG: $what: it went well"
    failed=1
  else echo "ok: $what: ${said//$'\n'/ | }"; fi
}
ask() { curl -sS --max-time 60 --cacert /etc/sallyport/ca.pem -x http://127.0.0.1:3128 https://sallyport.internal/; }
state() { systemctl show --value -p "$1" sallyport.service; }
lines() { cat /var/log/sallyport/access.log /var/log/sallyport/access.log.1 2>/dev/null | wc -l; }
restarted() { [ "$(state NRestarts)" = "$1" ]; }
until_true() { for _ in $(seq 600); do "$@" >/dev/null 2>&1 && return 0 || sleep 0.1; done; return 1; }

# From nothing.
does 'the package is installed' env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y ./sallyport_*.deb
is 'the service' active "$(systemctl is-active sallyport.service)"
is 'it starts with the machine' enabled "$(systemctl is-enabled sallyport.service)"
is 'what it says of itself' 'serving on 0.0.0.0 port 3128' "$(state StatusText)"
is 'a request goes through' true "$(ask | grep -o '"trusted": *true' | grep -o true)"
is 'the config' 0 "$(sallyport check >/dev/null 2>&1; echo $?)"

# Who has what.
is 'the key' 'root 600' "$(stat -c '%U %a' /etc/sallyport/private/ca-key.pem)"
is 'its folder' 'root 700' "$(stat -c '%U %a' /etc/sallyport/private)"
main=$(state MainPID)
is 'the user' sallyport "$(ps -o user= -p "$main" | tr -d ' ')"
is 'its capabilities' 0000000000000000 "$(awk '/^CapEff/ { print $2 }' "/proc/$main/status")"
is 'no new privileges, calls filtered' '1 2' "$(awk '/^(NoNewPrivs|Seccomp):/ { printf "%s%s", sep, $2; sep = " " }' "/proc/$main/status")"
echo "seen: the credential: $(ls -ln /run/credentials/sallyport.service/ 2>&1 | tail -1)"
is 'the log' 'sallyport 640' "$(stat -c '%U %a' /var/log/sallyport/access.log)"
is 'no variable of the manager among the workers' 0 "$(for each in $(pgrep -P "$main"); do tr '\0' '\n' <"/proc/$each/environ"; done | grep -c '^NOTIFY_SOCKET=')"

# Reload, refused and not.
does 'a reload' systemctl reload sallyport.service
sed -i 's/^policy:/polciy:/' "$config"
fails 'a reload of a broken config' systemctl reload sallyport.service
is 'the service goes on' active "$(systemctl is-active sallyport.service)"
is 'and says so' 'serving on 0.0.0.0 port 3128, by the config of before: the new one was refused' "$(state StatusText)"
does 'a request still goes through' ask
sed -i 's/^polciy:/policy:/' "$config"
does 'a reload of the mended one' sallyport reload
is 'what it says of itself now' 'serving on 0.0.0.0 port 3128' "$(state StatusText)"

# Rotation.
before=$(lines)
does 'a rotation' logrotate --force /etc/logrotate.d/sallyport
does 'a request after it' ask
sleep 1
is 'lines of both logs' "$((before + 2))" "$(lines)"
is 'the old log is there' 1 "$(ls /var/log/sallyport/access.log.1 | wc -l)"
is 'the new one is written to' 2 "$(wc -l </var/log/sallyport/access.log)"

# Accidents.
worker=$(pgrep -P "$main" | head -1)
if [ "$(pgrep -P "$main" | wc -l)" -gt 1 ]; then
  kill -9 "$worker"
  does 'a request after the death of a worker' until_true ask
  is 'the main process is the same' "$main" "$(state MainPID)"
fi
kill -9 "$main"
# For a moment its workers may still answer.
does 'it is started again after its own death' until_true restarted 1
does 'and serves again' until_true ask

# A key that is sealed, as the unit says; nothing but the certificate is left beside it.
drop_ins=/etc/systemd/system/sallyport.service.d
mkdir -p $drop_ins /etc/credstore.encrypted
key=/etc/sallyport/private/ca-key.pem
cp $key /root/key
does 'the key is sealed' systemd-creds encrypt --name=ca-key.pem $key /etc/credstore.encrypted/ca-key.pem
sed -n '/^# \[Service\]/,/^[^#]/s/^# //p' /usr/lib/systemd/system/sallyport.service >$drop_ins/sealed.conf
is 'the drop-in' '[Service] LoadCredential= LoadCredentialEncrypted=ca-key.pem:/etc/credstore.encrypted/ca-key.pem' "$(xargs <$drop_ins/sealed.conf)"
rm $key
systemctl daemon-reload
systemctl stop sallyport.service sallyport-ca.service
does 'a start by the sealed key' systemctl start sallyport.service
is 'the authority is the same' true "$(ask | grep -o '"trusted": *true' | grep -o true)"
is 'no other key was made' '' "$(ls /etc/sallyport/private)"
does 'a reload by the sealed key' systemctl reload sallyport.service
rm $drop_ins/sealed.conf
install -m 600 /root/key $key
systemctl daemon-reload
does 'a restart by the plain key' systemctl restart sallyport.service

# Squid was here: its authority is its user's alone, its passwords are its group's, its log goes on.
mkdir -p /etc/squid /var/log/squid
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=Squid' -addext keyUsage=critical,keyCertSign,cRLSign \
  -keyout /root/squid.key -out /root/squid.crt 2>/dev/null
cat /root/squid.key /root/squid.crt >/etc/squid/squidCA.pem
echo "alice:$(openssl passwd -apr1 secret)" >/etc/squid/passwd
echo 'a line of Squid' >/var/log/squid/access.log
chown -R proxy:proxy /var/log/squid /etc/squid/squidCA.pem
chown root:proxy /etc/squid/passwd
chmod 400 /etc/squid/squidCA.pem
chmod 640 /etc/squid/passwd /var/log/squid/access.log
cat >/etc/squid/squid.conf <<'CONF'
http_port 3128 ssl-bump cert=/etc/squid/squidCA.pem
ssl_bump server-first all
auth_param basic program /usr/lib/squid/basic_ncsa_auth /etc/squid/passwd
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
CONF
cp $config /root/before.yaml
# Word for word what the README says, but for the end of Squid, which is not here.
does 'an import' sallyport import /etc/squid/squid.conf --output sallyport.yaml --service from-squid.conf
does 'its config' install -m 640 -g sallyport sallyport.yaml /etc/sallyport/
does 'its drop-in' install -D -m 644 -t /etc/systemd/system/sallyport.service.d from-squid.conf
does 'its rotation' sh -c 'sed s,/var/log/sallyport/,/var/log/squid/, /etc/logrotate.d/sallyport | tee /etc/logrotate.d/squid'
does 'a start in the place of Squid' sh -c 'systemctl daemon-reload && systemctl restart sallyport'
as_squid() { curl -sS --max-time 60 --cacert /root/squid.crt "$@" https://sallyport.internal/; }
is 'a request under the authority of Squid, by a user of its' true \
  "$(as_squid -x http://alice:secret@127.0.0.1:3128 | grep -o '"trusted": *true' | grep -o true)"
answer() { curl -s -o /dev/null --max-time 60 --cacert /root/squid.crt -w '%{http_connect}' -x "$1" https://example.invalid/; }
is 'the answer to nobody, and to a user' '407 200' "$(answer http://127.0.0.1:3128) $(answer http://alice:secret@127.0.0.1:3128)"
sleep 1
is 'the log of Squid goes on' 'a line of Squid, 2, sallyport 640' \
  "$(head -1 /var/log/squid/access.log), $(grep -c 'sallyport.internal.* alice ' /var/log/squid/access.log), $(stat -c '%U %a' /var/log/squid/access.log)"
does 'a rotation of it' logrotate --force /etc/logrotate.d/squid
does 'a request after it' as_squid -x http://alice:secret@127.0.0.1:3128
sleep 1
is 'the new one is written to' 2 "$(grep -c ' alice ' /var/log/squid/access.log)"
does 'a reload of it' systemctl reload sallyport.service
is 'the key of Squid' 'proxy 400' "$(stat -c '%U %a' /etc/squid/squidCA.pem)"
is 'no complaint of all of it' '' "$(logrotate --debug /etc/logrotate.conf 2>&1 | grep -i '^error')"
rm -r $drop_ins /etc/logrotate.d/squid
install -m 644 /root/before.yaml $config
systemctl daemon-reload
does 'a restart by the config of before' systemctl restart sallyport.service

# A manager that looks after it.
mkdir -p /etc/systemd/system/sallyport.service.d
printf '[Service]\nWatchdogSec=2\n' >/etc/systemd/system/sallyport.service.d/watchdog.conf
systemctl daemon-reload
does 'a restart with a short watchdog' systemctl restart sallyport.service
sleep 5
is 'signs of life are enough' '0 active' "$(state NRestarts) $(systemctl is-active sallyport.service)"
kill -STOP "$(state MainPID)"
does 'one that stands still is started again' until_true test "$(sleep 4; state NRestarts)" = 1
does 'and serves' until_true ask
rm -r /etc/systemd/system/sallyport.service.d
systemctl daemon-reload

# A port that stays open while the service restarts.
systemctl stop sallyport.service
does 'the socket' systemctl enable --now sallyport.socket
does 'a first request starts the service' ask
for client in 1 2 3 4; do
  (
    count=0 bad=0
    while [ ! -e /root/enough ]; do
      ask >/dev/null 2>>/root/refusals || bad=$((bad + 1))
      count=$((count + 1))
    done
    echo "$bad $count" >/root/refused.$client
  ) &
done
for _ in 1 2 3 4 5 6 7 8 9 10; do does 'a restart under requests' systemctl restart sallyport.service; done
touch /root/enough
wait
echo "seen: requests refused while it restarted: $(cat /root/refused.* | awk '{ bad += $1; all += $2 } END { print bad " of " all }')"
sort /root/refusals | uniq -c | sed 's/^/seen: /'
grep -E '_ABORTED/|/000 ' /var/log/sallyport/access.log | tail -20 | sed 's/^/seen: /'
is 'requests refused while it restarted' 0 "$(cat /root/refused.* | awk '{ bad += $1 } END { print bad }')"
systemctl disable --now sallyport.socket >/dev/null 2>&1

# The end.
does 'a stop' systemctl stop sallyport.service
is 'its result' 'success inactive' "$(state Result) $(systemctl is-active sallyport.service)"
does 'a log of it' sh -c 'journalctl -u sallyport.service -o cat | grep -q "\"msg\":\"stopped\""'
does 'the package is purged' env DEBIAN_FRONTEND=noninteractive apt-get -qq purge -y sallyport
is 'nothing is left of it' '' "$(ls -d /etc/sallyport /var/lib/sallyport /var/log/sallyport /usr/lib/sallyport /run/sallyport 2>/dev/null | tr '\n' ' ')"
is 'the unit is gone' 4 "$(systemctl status sallyport.service >/dev/null 2>&1; echo $?)"
[ "$failed" = 0 ] && echo 'all went well'
