package mib2

import (
	"walkabout/machine"
	"walkabout/mib"
)

func (m *MIB) icmpScalars() mib.Group {
	return m.statisticsGroup(icmpGroup, counters(map[uint32]machine.Stat{
		1: machine.ICMPInMsgs, 2: machine.ICMPInErrors, 3: machine.ICMPInDestUnreachs, 4: machine.ICMPInTimeExcds,
		5: machine.ICMPInParmProbs, 6: machine.ICMPInSrcQuenchs, 7: machine.ICMPInRedirects, 8: machine.ICMPInEchos,
		9: machine.ICMPInEchoReps, 10: machine.ICMPInTimestamps, 11: machine.ICMPInTimestampReps,
		12: machine.ICMPInAddrMasks, 13: machine.ICMPInAddrMaskReps,
		14: machine.ICMPOutMsgs, 15: machine.ICMPOutErrors, 16: machine.ICMPOutDestUnreachs, 17: machine.ICMPOutTimeExcds,
		18: machine.ICMPOutParmProbs, 19: machine.ICMPOutSrcQuenchs, 20: machine.ICMPOutRedirects, 21: machine.ICMPOutEchos,
		22: machine.ICMPOutEchoReps, 23: machine.ICMPOutTimestamps, 24: machine.ICMPOutTimestampReps,
		25: machine.ICMPOutAddrMasks, 26: machine.ICMPOutAddrMaskReps,
	}))
}
