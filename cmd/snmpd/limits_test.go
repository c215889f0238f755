package main

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"walkabout/agent"
	"walkabout/snmp"
	"walkabout/snmp/oid"
)

// answered sends n requests without waiting, and returns how many are answered, and in what time. least of them are waited for, and what should not come
// for half a second after the last that did.
func answered(t *testing.T, address string, n, least int) (count int, took time.Duration) {
	t.Helper()
	conn, err := net.Dial("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	begun := time.Now()
	for i := range n {
		q := snmp.Message{Version: snmp.V2c, Community: hidden, PDU: snmp.PDU{Type: snmp.GetRequest, RequestID: int32(i), VarBinds: []snmp.VarBind{{Name: oid.MustParse(sysNameOID[1:])}}}}
		if _, err := conn.Write(q.Append(nil)); err != nil {
			t.Fatal(err)
		}
	}
	for {
		patience := time.Minute
		if count >= least {
			patience = 500 * time.Millisecond
		}
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, snmp.MaxMessageSize)); err != nil {
			return count, took
		}
		count, took = count+1, time.Since(begun)
	}
}

func TestRateLimit(t *testing.T) {
	const text = "agentAddress 127.0.0.1:0\nserverRecvBuf 300000\nrocommunity " + hidden + "\n"
	path := config(t, text+"maxRequestsPerSecond 1 5")
	d := start(t, nil, "-c", path)
	address := d.ready()[0]
	if n, took := answered(t, address, 50, 5); n < 5 || n > 6+int(took.Seconds()) {
		t.Errorf("%d of 50 requests were answered in %v, want 5 and one for each second", n, took)
	}
	write(t, path, text)
	d.hangup <- syscall.SIGHUP
	d.until("msg=reloaded")
	if n, _ := answered(t, address, 50, 50); n != 50 {
		t.Errorf("%d of 50 requests were answered, want all", n)
	}
	if out := d.finish(); !strings.Contains(out, "too many come from there") || !strings.Contains(out, "rateLimited=") {
		t.Errorf("the log does not tell what was lost:\n%s", out)
	}
}

func TestLossesReport(t *testing.T) {
	var b bytes.Buffer
	l := losses{log: slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "hint" {
			return slog.Attr{}
		}
		return a
	}}))}
	for _, tt := range []struct {
		now  agent.Stats
		want string
	}{
		{agent.Stats{}, ""},
		{agent.Stats{RateLimited: 3, SocketDrops: 2}, "level=WARN msg=\"requests were lost or refused since this was last told\" rateLimited=3 socketDrops=2\n"},
		{agent.Stats{RateLimited: 3, SocketDrops: 2}, ""},
		{agent.Stats{RateLimited: 3, AnswersCapped: 1, SocketDrops: 2, ConnectionsRefused: 4, ConnectionsTimedOut: 5},
			"level=WARN msg=\"requests were lost or refused since this was last told\" answersCapped=1 connectionsRefused=4 connectionsTimedOut=5\n"},
	} {
		b.Reset()
		if l.report(tt.now); b.String() != tt.want {
			t.Errorf("%+v:\n%s, want\n%s", tt.now, b.String(), tt.want)
		}
	}
}
