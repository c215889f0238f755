// The names of ifType's values that devices are met with (IANAifType-MIB).

const names: Record<number, string> = {
  1: "other", 6: "ethernetCsmacd", 15: "fddi", 18: "ds1", 19: "e1", 22: "propPointToPointSerial", 23: "ppp", 24: "softwareLoopback", 28: "slip", 30: "ds3",
  32: "frameRelay", 33: "rs232", 37: "atm", 39: "sonet", 48: "modem", 53: "propVirtual", 54: "propMultiplexor", 56: "fibreChannel", 62: "fastEther", 63: "isdn",
  71: "ieee80211", 94: "adsl", 97: "vdsl", 112: "virtualIpAddress", 117: "gigabitEthernet", 118: "hdlc", 127: "docsCableMaclayer", 128: "docsCableDownstream",
  129: "docsCableUpstream", 131: "tunnel", 135: "l2vlan", 136: "l3ipvlan", 142: "ipForward", 150: "mplsTunnel", 160: "usb", 161: "ieee8023adLag", 166: "mpls", 169: "shdsl",
  171: "pos", 188: "radioMAC", 195: "opticalChannel", 196: "opticalTransport", 199: "infiniband", 209: "bridge", 225: "rpr", 231: "macSecControlledIF", 243: "wwanPP",
  244: "wwanPP2", 250: "gpon", 251: "vdsl2", 253: "capwapDot11Bss",
};

/** An ifType as MIB browsers write it, "ethernetCsmacd(6)"; the number alone where it has no name here. */
export const ifTypeText = (n: number | undefined): string => (n === undefined ? "–" : n in names ? `${names[n]}(${n})` : String(n));
