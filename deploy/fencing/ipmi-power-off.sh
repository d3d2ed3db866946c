#!/bin/bash
# Switches the old active's host off through its BMC, and says "fenced" only once the BMC reports
# the power off. A host that is off already counts as fenced.
#
# Guards: a host that is not in the list is not touched, and never the host this runs on.
#
# The list, /etc/baton/fencing/bmc.conf (mode 0600), one host a line:
#   <NameNode host as in hdfs-site.xml>  <BMC address>  <user>  <file with the password>
# The password stays in its file: arguments and environment can be read by others.
set -u

list=${BATON_BMC_LIST:-/etc/baton/fencing/bmc.conf}
polls=${BATON_POWER_POLLS:-60}
host=${target_host:-${source_host:-}}
address=${target_address:-${source_address:-}}

fail() {
  echo "$1" >&2
  exit 1
}

[ -n "$host" ] || fail 'neither target_host nor source_host is set: start me as a fencing method'

# target_address is host/ip:port; the ip may be missing where the name could not be resolved.
ip=${address#*/}
ip=${ip%:*}
for own in $(hostname) $(hostname -f 2>/dev/null) $(hostname -I 2>/dev/null); do
  if [ "$own" = "$host" ] || [ "$own" = "$ip" ]; then
    fail "$host is the host I run on: I do not switch it off"
  fi
done

[ -r "$list" ] || fail "cannot read $list"
bmc='' user='' secret=''
while read -r name bmc_address bmc_user bmc_secret rest; do
  [ "$name" = "$host" ] || continue
  bmc=$bmc_address user=$bmc_user secret=$bmc_secret
done <"$list"
[ -n "$secret" ] || fail "$host does not stand in $list with BMC, user and password file"

ipmi() {
  timeout 20 ipmitool -I lanplus -H "$bmc" -U "$user" -f "$secret" chassis power "$1"
}

off() {
  case $(ipmi status) in
    *'Power is off'*) return 0 ;;
    *) return 1 ;;
  esac
}

if off; then
  echo "$host is off already"
  exit 0
fi
ipmi off || echo "the BMC $bmc did not take the command; asking for its state" >&2
while [ "$polls" -gt 0 ]; do
  if off; then
    echo "$host is off"
    exit 0
  fi
  polls=$((polls - 1))
  [ "$polls" -eq 0 ] || sleep 1
done
fail "the BMC $bmc does not report $host as off"
