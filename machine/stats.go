package machine

import "slices"

// Stat names one figure of the protocols' statistics. The names are the kernel's (net/ipv4/proc.c, net/ipv6/proc.c), which are
// those of the MIB objects (ipInReceives is IPInReceives). Unless said otherwise a Stat is a counter since boot.
type Stat uint8

const (
	// From /proc/net/snmp, line Ip.

	IPForwarding Stat = iota // 1 if this host forwards, 2 if not
	IPDefaultTTL
	IPInReceives
	IPInHdrErrors
	IPInAddrErrors
	IPForwDatagrams
	IPInUnknownProtos
	IPInDiscards
	IPInDelivers
	IPOutRequests // kernels without IPOutTransmits count forwarded datagrams too
	IPOutDiscards
	IPOutNoRoutes
	IPReasmTimeout // reassemblies that timed out: a counter, not ipReasmTimeout
	IPReasmReqds
	IPReasmOKs
	IPReasmFails
	IPFragOKs
	IPFragFails
	IPFragCreates
	IPOutTransmits // with the forwarded ones; recent kernels only

	// From /proc/net/snmp, line Icmp; by type in ICMPTypes.

	ICMPInMsgs
	ICMPInErrors
	ICMPInCsumErrors
	ICMPInDestUnreachs
	ICMPInTimeExcds
	ICMPInParmProbs
	ICMPInSrcQuenchs
	ICMPInRedirects
	ICMPInEchos
	ICMPInEchoReps
	ICMPInTimestamps
	ICMPInTimestampReps
	ICMPInAddrMasks
	ICMPInAddrMaskReps
	ICMPOutMsgs
	ICMPOutErrors
	ICMPOutRateLimitGlobal
	ICMPOutRateLimitHost
	ICMPOutDestUnreachs
	ICMPOutTimeExcds
	ICMPOutParmProbs
	ICMPOutSrcQuenchs
	ICMPOutRedirects
	ICMPOutEchos
	ICMPOutEchoReps
	ICMPOutTimestamps
	ICMPOutTimestampReps
	ICMPOutAddrMasks
	ICMPOutAddrMaskReps

	// From /proc/net/snmp, line Tcp; both IP versions.

	TCPRtoAlgorithm
	TCPRtoMin  // milliseconds
	TCPRtoMax  // milliseconds
	TCPMaxConn // -1 (as int64) if there is no fixed limit
	TCPActiveOpens
	TCPPassiveOpens
	TCPAttemptFails
	TCPEstabResets
	TCPCurrEstab // a gauge
	TCPInSegs
	TCPOutSegs // retransmissions excluded
	TCPRetransSegs
	TCPInErrs
	TCPOutRsts
	TCPInCsumErrors

	// From /proc/net/snmp, line Udp; IPv4 only.

	UDPInDatagrams
	UDPNoPorts
	UDPInErrors
	UDPOutDatagrams
	UDPRcvbufErrors
	UDPSndbufErrors
	UDPInCsumErrors
	UDPIgnoredMulti
	UDPMemErrors

	// From /proc/net/netstat, line IpExt; IPv4 only. These are of Reading.StatsExt.

	IPInNoRoutes
	IPInTruncatedPkts
	IPInMcastPkts
	IPOutMcastPkts
	IPInBcastPkts
	IPOutBcastPkts
	IPInOctets
	IPOutOctets
	IPInMcastOctets
	IPOutMcastOctets
	IPInBcastOctets
	IPOutBcastOctets

	// From /proc/net/snmp6, Ip6*.

	IP6InReceives
	IP6InHdrErrors
	IP6InTooBigErrors
	IP6InNoRoutes
	IP6InAddrErrors
	IP6InUnknownProtos
	IP6InTruncatedPkts
	IP6InDiscards
	IP6InDelivers
	IP6OutForwDatagrams
	IP6OutRequests
	IP6OutDiscards
	IP6OutNoRoutes
	IP6ReasmTimeout
	IP6ReasmReqds
	IP6ReasmOKs
	IP6ReasmFails
	IP6FragOKs
	IP6FragFails
	IP6FragCreates
	IP6InMcastPkts
	IP6OutMcastPkts
	IP6InOctets
	IP6OutOctets
	IP6InMcastOctets
	IP6OutMcastOctets
	IP6InBcastOctets
	IP6OutBcastOctets
	IP6OutTransmits

	// From /proc/net/snmp6, Icmp6*; by type in ICMPTypes.

	ICMP6InMsgs
	ICMP6InErrors
	ICMP6OutMsgs
	ICMP6OutErrors
	ICMP6InCsumErrors

	// From /proc/net/snmp6, Udp6*.

	UDP6InDatagrams
	UDP6NoPorts
	UDP6InErrors
	UDP6OutDatagrams
	UDP6RcvbufErrors
	UDP6SndbufErrors
	UDP6InCsumErrors
	UDP6IgnoredMulti
	UDP6MemErrors

	// From /proc/net/sctp/snmp. These are of Reading.SCTPStats.

	SCTPCurrEstab // a gauge
	SCTPActiveEstabs
	SCTPPassiveEstabs
	SCTPAborteds
	SCTPShutdowns
	SCTPOutOfBlues
	SCTPChecksumErrors
	SCTPOutCtrlChunks
	SCTPOutOrderChunks
	SCTPOutUnorderChunks
	SCTPInCtrlChunks
	SCTPInOrderChunks
	SCTPInUnorderChunks
	SCTPFragUsrMsgs
	SCTPReasmUsrMsgs
	SCTPOutSCTPPacks
	SCTPInSCTPPacks

	statCount
)

// statNames are the kernel's names: those of /proc/net/snmp are prefixed by the name of their line.
var statNames = [statCount]string{
	IPForwarding: "IpForwarding", IPDefaultTTL: "IpDefaultTTL", IPInReceives: "IpInReceives",
	IPInHdrErrors: "IpInHdrErrors", IPInAddrErrors: "IpInAddrErrors", IPForwDatagrams: "IpForwDatagrams",
	IPInUnknownProtos: "IpInUnknownProtos", IPInDiscards: "IpInDiscards", IPInDelivers: "IpInDelivers",
	IPOutRequests: "IpOutRequests", IPOutDiscards: "IpOutDiscards", IPOutNoRoutes: "IpOutNoRoutes",
	IPReasmTimeout: "IpReasmTimeout", IPReasmReqds: "IpReasmReqds", IPReasmOKs: "IpReasmOKs",
	IPReasmFails: "IpReasmFails", IPFragOKs: "IpFragOKs", IPFragFails: "IpFragFails", IPFragCreates: "IpFragCreates",
	IPOutTransmits: "IpOutTransmits",
	ICMPInMsgs:     "IcmpInMsgs", ICMPInErrors: "IcmpInErrors", ICMPInCsumErrors: "IcmpInCsumErrors",
	ICMPInDestUnreachs: "IcmpInDestUnreachs", ICMPInTimeExcds: "IcmpInTimeExcds", ICMPInParmProbs: "IcmpInParmProbs",
	ICMPInSrcQuenchs: "IcmpInSrcQuenchs", ICMPInRedirects: "IcmpInRedirects", ICMPInEchos: "IcmpInEchos",
	ICMPInEchoReps: "IcmpInEchoReps", ICMPInTimestamps: "IcmpInTimestamps", ICMPInTimestampReps: "IcmpInTimestampReps",
	ICMPInAddrMasks: "IcmpInAddrMasks", ICMPInAddrMaskReps: "IcmpInAddrMaskReps", ICMPOutMsgs: "IcmpOutMsgs",
	ICMPOutErrors: "IcmpOutErrors", ICMPOutRateLimitGlobal: "IcmpOutRateLimitGlobal",
	ICMPOutRateLimitHost: "IcmpOutRateLimitHost", ICMPOutDestUnreachs: "IcmpOutDestUnreachs",
	ICMPOutTimeExcds: "IcmpOutTimeExcds", ICMPOutParmProbs: "IcmpOutParmProbs", ICMPOutSrcQuenchs: "IcmpOutSrcQuenchs",
	ICMPOutRedirects: "IcmpOutRedirects", ICMPOutEchos: "IcmpOutEchos", ICMPOutEchoReps: "IcmpOutEchoReps",
	ICMPOutTimestamps: "IcmpOutTimestamps", ICMPOutTimestampReps: "IcmpOutTimestampReps",
	ICMPOutAddrMasks: "IcmpOutAddrMasks", ICMPOutAddrMaskReps: "IcmpOutAddrMaskReps",
	TCPRtoAlgorithm: "TcpRtoAlgorithm", TCPRtoMin: "TcpRtoMin", TCPRtoMax: "TcpRtoMax", TCPMaxConn: "TcpMaxConn",
	TCPActiveOpens: "TcpActiveOpens", TCPPassiveOpens: "TcpPassiveOpens", TCPAttemptFails: "TcpAttemptFails",
	TCPEstabResets: "TcpEstabResets", TCPCurrEstab: "TcpCurrEstab", TCPInSegs: "TcpInSegs", TCPOutSegs: "TcpOutSegs",
	TCPRetransSegs: "TcpRetransSegs", TCPInErrs: "TcpInErrs", TCPOutRsts: "TcpOutRsts",
	TCPInCsumErrors: "TcpInCsumErrors",
	UDPInDatagrams:  "UdpInDatagrams", UDPNoPorts: "UdpNoPorts", UDPInErrors: "UdpInErrors",
	UDPOutDatagrams: "UdpOutDatagrams", UDPRcvbufErrors: "UdpRcvbufErrors", UDPSndbufErrors: "UdpSndbufErrors",
	UDPInCsumErrors: "UdpInCsumErrors", UDPIgnoredMulti: "UdpIgnoredMulti", UDPMemErrors: "UdpMemErrors",
	IPInNoRoutes: "IpExtInNoRoutes", IPInTruncatedPkts: "IpExtInTruncatedPkts", IPInMcastPkts: "IpExtInMcastPkts",
	IPOutMcastPkts: "IpExtOutMcastPkts", IPInBcastPkts: "IpExtInBcastPkts", IPOutBcastPkts: "IpExtOutBcastPkts",
	IPInOctets: "IpExtInOctets", IPOutOctets: "IpExtOutOctets", IPInMcastOctets: "IpExtInMcastOctets",
	IPOutMcastOctets: "IpExtOutMcastOctets", IPInBcastOctets: "IpExtInBcastOctets", IPOutBcastOctets: "IpExtOutBcastOctets",
	IP6InReceives: "Ip6InReceives", IP6InHdrErrors: "Ip6InHdrErrors", IP6InTooBigErrors: "Ip6InTooBigErrors",
	IP6InNoRoutes: "Ip6InNoRoutes", IP6InAddrErrors: "Ip6InAddrErrors", IP6InUnknownProtos: "Ip6InUnknownProtos",
	IP6InTruncatedPkts: "Ip6InTruncatedPkts", IP6InDiscards: "Ip6InDiscards", IP6InDelivers: "Ip6InDelivers",
	IP6OutForwDatagrams: "Ip6OutForwDatagrams", IP6OutRequests: "Ip6OutRequests", IP6OutDiscards: "Ip6OutDiscards",
	IP6OutNoRoutes: "Ip6OutNoRoutes", IP6ReasmTimeout: "Ip6ReasmTimeout", IP6ReasmReqds: "Ip6ReasmReqds",
	IP6ReasmOKs: "Ip6ReasmOKs", IP6ReasmFails: "Ip6ReasmFails", IP6FragOKs: "Ip6FragOKs", IP6FragFails: "Ip6FragFails",
	IP6FragCreates: "Ip6FragCreates", IP6InMcastPkts: "Ip6InMcastPkts", IP6OutMcastPkts: "Ip6OutMcastPkts",
	IP6InOctets: "Ip6InOctets", IP6OutOctets: "Ip6OutOctets", IP6InMcastOctets: "Ip6InMcastOctets",
	IP6OutMcastOctets: "Ip6OutMcastOctets", IP6InBcastOctets: "Ip6InBcastOctets",
	IP6OutBcastOctets: "Ip6OutBcastOctets", IP6OutTransmits: "Ip6OutTransmits",
	ICMP6InMsgs: "Icmp6InMsgs", ICMP6InErrors: "Icmp6InErrors", ICMP6OutMsgs: "Icmp6OutMsgs",
	ICMP6OutErrors: "Icmp6OutErrors", ICMP6InCsumErrors: "Icmp6InCsumErrors",
	UDP6InDatagrams: "Udp6InDatagrams", UDP6NoPorts: "Udp6NoPorts", UDP6InErrors: "Udp6InErrors",
	UDP6OutDatagrams: "Udp6OutDatagrams", UDP6RcvbufErrors: "Udp6RcvbufErrors", UDP6SndbufErrors: "Udp6SndbufErrors",
	UDP6InCsumErrors: "Udp6InCsumErrors", UDP6IgnoredMulti: "Udp6IgnoredMulti", UDP6MemErrors: "Udp6MemErrors",
	SCTPCurrEstab: "SctpCurrEstab", SCTPActiveEstabs: "SctpActiveEstabs", SCTPPassiveEstabs: "SctpPassiveEstabs",
	SCTPAborteds: "SctpAborteds", SCTPShutdowns: "SctpShutdowns", SCTPOutOfBlues: "SctpOutOfBlues",
	SCTPChecksumErrors: "SctpChecksumErrors", SCTPOutCtrlChunks: "SctpOutCtrlChunks",
	SCTPOutOrderChunks: "SctpOutOrderChunks", SCTPOutUnorderChunks: "SctpOutUnorderChunks",
	SCTPInCtrlChunks: "SctpInCtrlChunks", SCTPInOrderChunks: "SctpInOrderChunks", SCTPInUnorderChunks: "SctpInUnorderChunks",
	SCTPFragUsrMsgs: "SctpFragUsrMsgs", SCTPReasmUsrMsgs: "SctpReasmUsrMsgs", SCTPOutSCTPPacks: "SctpOutSCTPPacks",
	SCTPInSCTPPacks: "SctpInSCTPPacks",
}

// InExt tells that s is of Reading.StatsExt, if it is one of IPv4.
func (s Stat) InExt() bool { return s >= IPInNoRoutes && s <= IPOutBcastOctets }

// String returns the kernel's name of s, such as "TcpInSegs".
func (s Stat) String() string {
	if s < statCount {
		return statNames[s]
	}
	return "invalid"
}

// Stats is the protocols' statistics at one moment, of one reading of their file.
type Stats struct {
	// Wide means that counters are 64 bits wide, by themselves or because their wraps are being counted. Where it is false
	// only the low 32 bits mean something.
	Wide bool
	// ICMPTypes counts messages by type, ascending by type; types that never occurred are left out.
	ICMPTypes []ICMPTypeCount

	known  [statCount]bool
	values [statCount]uint64
}

// ICMPTypeCount counts the messages of one ICMP type (the one of IPv4 in Reading.Stats, of IPv6 in Reading.Stats6).
type ICMPTypeCount struct {
	Type    uint8
	In, Out uint64
}

// Get returns the value of s; false if this system does not tell it. A negative value, which only TCPMaxConn can be, is in two's
// complement.
func (s *Stats) Get(which Stat) (uint64, bool) {
	if which >= statCount || !s.known[which] {
		return 0, false
	}
	return s.values[which], true
}

func (s *Stats) set(which Stat, v uint64) {
	s.known[which] = true
	s.values[which] = v
}

// icmpType returns the count of that type, made if there is none yet.
func (s *Stats) icmpType(t uint8) *ICMPTypeCount {
	i, ok := slices.BinarySearchFunc(s.ICMPTypes, t, func(c ICMPTypeCount, t uint8) int { return int(c.Type) - int(t) })
	if !ok {
		s.ICMPTypes = slices.Insert(s.ICMPTypes, i, ICMPTypeCount{Type: t})
	}
	return &s.ICMPTypes[i]
}
