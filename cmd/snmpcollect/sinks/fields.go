package sinks

import (
	"walkabout/collector"
	"walkabout/counter"
	"walkabout/web"
)

// PageFields returns what profiles say of fields, by their names, and the units that MIB modules give those of the built-in profiles. Of two profiles that
// say something of one name, the first in the order of their names counts.
func PageFields(profiles collector.Profiles) map[string]web.FieldInfo {
	out := map[string]web.FieldInfo{}
	for u, names := range units {
		for _, name := range names {
			out[name] = web.FieldInfo{Unit: u.text, Factor: u.factor}
		}
	}
	told := map[string]bool{}
	for _, name := range profiles.Names() {
		for _, f := range profiles[name].Fields() {
			if told[f.Name] {
				continue
			}
			told[f.Name] = true
			info := out[f.Name]
			info.Labels = f.Numbers
			switch {
			case f.Type == collector.TypeTimeTicks:
				info.Unit, info.Factor = "s", 0.01
			case f.Unit == counter.Octets:
				info.Unit = "B"
			case f.Unit == counter.Packets:
				info.Unit = "packet"
			}
			out[f.Name] = info
		}
	}
	return out
}

// unit has no Labels, so that it can be a key.
type unit struct {
	text   string
	factor float64
}

// units are those of the UNITS clauses and descriptions of the objects; profiles have brought their values to units without a prefix.
var units = map[unit][]string{
	{"%", 0}: {"hrProcessorLoad", "dskPercent", "dskPercentNode", "upsEstimatedChargeRemaining", "upsOutputPercentLoad", "percent_packet_loss", "avgBusy1", "avgBusy5",
		"cpmCPUTotal5secRev", "cpmCPUTotal1minRev", "cpmCPUTotal5minRev", "cpmCPUTotal5sec", "cpmCPUTotal1min", "cpmCPUTotal5min", "jnxOperatingCPU", "jnxOperatingISR",
		"jnxOperatingBuffer", "jnxOperatingHeap"},
	{"B", 1024}: {"hrMemorySize", "memTotalSwap", "memAvailSwap", "memTotalReal", "memAvailReal", "memTotalFree", "memMinimumSwap", "memShared", "memBuffer", "memCached",
		"memTotalSwapTXT", "memAvailSwapTXT", "memTotalRealTXT", "memAvailRealTXT", "memUsedSwapTXT", "memUsedRealTXT", "cpmCPUMemoryUsed", "cpmCPUMemoryFree"},
	{"B", 1 << 20}: {"jnxOperatingMemory"},
	{"B", 0}: {"diskIONReadX", "diskIONWrittenX", "ciscoMemoryPoolUsed", "ciscoMemoryPoolFree", "ciscoMemoryPoolLargestFree", "cempMemPoolUsed", "cempMemPoolFree",
		"cempMemPoolLargestFree", "cempMemPoolHCUsed", "cempMemPoolHCFree", "jnxOperatingDRAMSize", "snmpEngineMaxMessageSize"},
	{"°C", 0}: {"upsBatteryTemperature", "lmTempSensorsValue", "ciscoEnvMonTemperatureStatusValue", "ciscoEnvMonTemperatureThreshold", "jnxOperatingTemp", "mtxrHlTemperature",
		"mtxrHlProcessorTemperature"},
	{"V", 0}:     {"upsBatteryVoltage", "upsInputVoltage", "upsOutputVoltage", "lmVoltSensorsValue", "ciscoEnvMonVoltageStatusValue", "mtxrHlVoltage"},
	{"A", 0}:     {"upsBatteryCurrent", "upsInputCurrent", "upsOutputCurrent"},
	{"mA", 0}:    {"mtxrHlCurrent"},
	{"W", 0}:     {"upsInputTruePower", "upsOutputPower", "mtxrHlPower"},
	{"Hz", 0}:    {"upsInputFrequency", "upsOutputFrequency"},
	{"MHz", 0}:   {"mtxrHlProcessorFrequency"},
	{"rpm", 0}:   {"lmFanSensorsValue", "mtxrHlFanSpeed1", "mtxrHlFanSpeed2"},
	{"s", 0}:     {"upsSecondsOnBattery", "snmpEngineTime", "dnsServConfigUpTime", "dnsResConfigUpTime", "bgpPeerFsmEstablishedTime", "bgpPeerInUpdateElapsedTime", "ipReasmTimeout"},
	{"s", 60}:    {"upsEstimatedMinutesRemaining"},
	{"s", 0.001}: {"tcpRtoMin", "tcpRtoMax"},
	{"s", 0.01}:  {"dot1dStpTimeSinceTopologyChange"},
	{"ms", 0}:    {"average_response_ms", "minimum_response_ms", "maximum_response_ms", "standard_deviation_ms"},
}
