#!/bin/bash
# Never fences. As the only method: after an unclean end of the active NameNode nothing takes over
# until a person has made sure that it is down and has looked. As the last method: the log says
# plainly that every other one failed.
echo "no automatic fencing for ${target_namenodeid:-$source_namenodeid} on" \
  "${target_host:-$source_host}: make sure by hand that it is down, then remove the" \
  "ActiveBreadCrumb of ${target_nameserviceid:-$source_nameserviceid}" >&2
exit 1
