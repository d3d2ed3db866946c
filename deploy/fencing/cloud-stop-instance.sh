#!/bin/bash
# Stops the old active's virtual machine, by force, and says "fenced" only once the cloud reports
# it as stopped. Written for the AWS command line; others have the same three calls.
#
# The account this runs under needs ec2:DescribeInstances and ec2:StopInstances, the latter
# limited to the NameNodes' instances (by a tag, say): that limit is the guard. An address that
# fits no instance, or more than one, is not acted upon.
set -u

polls=${BATON_POWER_POLLS:-120}
address=${target_address:-${source_address:-}}

fail() {
  echo "$1" >&2
  exit 1
}

ip=${address#*/}
ip=${ip%:*}
case $ip in
  '' | *'<unresolved>'*) fail "no IP address in \"$address\": the name could not be resolved" ;;
esac
case " $(hostname -I 2>/dev/null) " in
  *" $ip "*) fail "$ip is the host I run on: I do not stop it" ;;
esac

ask() {
  aws ec2 describe-instances --output text "$@"
}

# An instance that was terminated may still show its address: only those that exist count.
instance=$(ask --filters "Name=private-ip-address,Values=$ip" \
  'Name=instance-state-name,Values=pending,running,stopping,stopped' \
  --query 'Reservations[].Instances[].InstanceId') || fail 'the cloud cannot be asked'
case $instance in
  '') fail "no instance has the address $ip" ;;
  *[[:space:]]*) fail "more than one instance has the address $ip: $instance" ;;
esac

aws ec2 stop-instances --force --instance-ids "$instance" >/dev/null ||
  echo "the cloud did not take the command; asking for the state of $instance" >&2
while [ "$polls" -gt 0 ]; do
  state=$(ask --instance-ids "$instance" --query 'Reservations[].Instances[].State.Name')
  if [ "$state" = stopped ]; then
    echo "$instance ($ip) is stopped"
    exit 0
  fi
  polls=$((polls - 1))
  [ "$polls" -eq 0 ] || sleep 2
done
fail "$instance ($ip) is \"$state\", not stopped"
