package localagent_test

// mibsHead and mibsFoot stand around what is generated of docs/mibs.md.
const mibsHead = `# What is served

Made by TestMIBsDocument from the handlers that ` + "`snmpd`" + ` registers, and tested to be current. In brackets is how many objects of a group are served.

- **Linux** is what is developed and tested on: rtnetlink, sock_diag, procfs and sysfs.
- **macOS, FreeBSD and Windows** are built for, with gopsutil (without cgo) as the source, and *not run*: "yes" there says that there is a source for the rows of
  the group. Single columns may be missing where gopsutil does not tell them.

An object that a system does not tell is noSuchInstance; no value is made up for it.

## Groups and tables
`

const mibsFoot = `
## What is special

- Linux keeps no statistics of IPv4 by interface: ` + "`ipIfStatsTable`" + ` has rows of IPv6 alone.
- ` + "`udpInDatagrams`" + ` and its like count UDP over IPv4 and over IPv6, as UDP-MIB has it; RFC 1213 knew of IPv4 alone.
- Addresses, routes, neighbours and how IP runs on links are read again after a change that the kernel tells of, and at most 5 s old where it does not. Sockets and their processes are read for each
  request, but what took more than 5 ms to read is used again for ten times as long, 5 s at most. An address on a link that is down is inaccessible(4).
- The columns of processes (` + "`tcpConnectionProcess`, `udpEndpointProcess`" + ` and their kin) are 0, for unknown, of processes that the agent may not look into, which are all others
  unless ` + "`agentCapabilities sys_ptrace`" + ` is set: [privileges.md](privileges.md).
- ` + "`inetCidrRoutePolicy`" + ` is 0.0; behind it stands the interface of a route without a next hop, and what else it takes to tell routes apart that are alike up to there.
  Routes are those of the main table, with all next hops of a multipath route, 262,144 of each version of IP at most: ` + "`inetCidrRouteDiscards`" + ` counts those beyond.
- ` + "`ifInUnknownProtos`, `ifOutQLen`" + ` and the packets by broadcast and outgoing multicast of ` + "`ifTable`" + ` and ` + "`ifXTable`" + ` are counted by no kernel that is read here; nor are ` + "`ipRoutingDiscards`" + ` and
  the packets by broadcast of ` + "`ipIfStatsTable`" + `, which has IPv6 alone. ` + "`ipRouteAge`" + ` and ` + "`ipCidrRouteAge`" + ` are not told either. The numbers of objects above have them all the same.
- Of ` + "`hrStorageTable`" + ` the rows of memory have Net-SNMP's numbers; file systems follow from 31 on, a mount that is a second one of the same device (a bind mount) is left
  out. Allocation units are raised until the sizes fit into 31 bits, unless ` + "`realStorageUnits`" + ` says otherwise. tmpfs is a RAM disk, and the file systems of other machines are network
  disks unless ` + "`storageUseNFS 2`" + ` calls them fixed disks.
- A file system that does not answer within 250 ms has a row without sizes, and in ` + "`dskTable`" + ` an error. It is asked again when it has answered. What is not mounted is an error in
  ` + "`dskTable`" + ` too.
- ` + "`hrProcessorLoad`, `ssCpuUser`" + ` and their like are of the last minute, before that of the time since the start; after more than five minutes without a question the next answer spans
  longer. The load averages of ` + "`diskIOTable`" + ` are means of 1, 5 and 15 minutes, not Net-SNMP's exponential ones.
- Processes are read at most once a second, and not before ten times as long has passed as reading them took, 5 s at most; while it takes more than half a second, what was read within the
  minute before is served. Where /proc is mounted with hidepid and hides processes from the agent, their tables, their number and ` + "`prTable`" + ` are absent, which the log explains. Packages are read when their database has
  changed (rpm's by running ` + "`rpm -qa`" + `), sensors at most once in two seconds.
- ` + "`hrSWRunStatus`" + ` says runnable(2) of what sleeps, as Net-SNMP's agent does: plug-ins count it as alive.
- SCTP-MIB is there while the kernel has SCTP; it is tested with files in the form of such kernels, not on one. Linux does not tell since when associations are: the times are of when the agent first saw them, 0 for those
  that were there when it started. It takes no host names, so that ` + "`sctpLookupRemHostNameTable`" + ` is empty.
- ENTITY-MIB has the machine, its monitoring chips and their sensors, and no logical entities. What is not known of them is a zero-length string, as RFC 6933 has it.
- ` + "`hrDiskStorageCapacity`" + ` ends at 2 TiB, the most that its type can say.
`

// reason says why objects are not served. names are of objects, of groups, or begin a name and end with *.
type reason struct{ names, why string }

var reasons = []reason{
	{"ipForwardNumber ipForwardTable", "`ipCidrRouteTable` obsoleted them"},
	{"inetCidrRouteAge", "no kernel that is read here tells it"},
	{"ipAddressSpinLock", "`ipAddressTable` is read-only"},
	{"ipv6RouterAdvertSpinLock ipv6RouterAdvertTable", "who sends router advertisements keeps their settings to itself"},
	{"dot3StatsTable", "drivers count them under names of their own, or not at all"},
	{"sctpAssocRemAddrRtx", "Linux does not count by address"},
	{"ifTestTable", "deprecated, and no system has such tests"},
	{"hrStorageAllocationFailures", "nobody counts them"},
	{"hrPrinterTable", "printers belong to their spooler"},
	{"hrSWOSIndex", "a kernel is no process, so that no row of `hrSWRunTable` is the operating system"},
	{"prErrFix*", "nothing is run by SET"},
	{"memTotalSwapTXT memAvailSwapTXT memTotalRealTXT memAvailRealTXT memUsedSwapTXT memUsedRealTXT", "no system has memory for text alone"},
	{"ssCpuRawKernel", "all of the kernel's time is in `ssCpuRawSystem`, and who adds the columns up must find it once"},
	{"versionDate versionIdent versionConfigureOptions", "of the sources of Net-SNMP's agent"},
	{"versionClearCache versionUpdateConfig versionRestartAgent versionSavePersistentData versionDoDebugging", "the agent is controlled by signals, not by SET"},
}
