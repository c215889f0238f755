// Pages says what the pages cost with a large fleet: in a browser (Chromium), and at the server that is asked by it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"walkabout/alert"
	"walkabout/web"
)

func main() {
	devices := flag.Int("devices", 5000, "switches of 48 ports, each polled every 30 s")
	ports := flag.Int("ports", 2000, "interfaces of one more device")
	watch := flag.Duration("for", time.Minute, "how long each page is watched while it is told of polls")
	browser := flag.String("browser", "chromium", "the browser's program; none if it is empty: the pages are served until the end of the program")
	shots := flag.String("shots", "", "a folder for pictures of the pages")
	flag.Parse()
	if err := run(*devices, *ports, *watch, *browser, *shots); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

// alerts never change, and have no history.
type alerts []alert.Alert

func (a alerts) Alerts() []alert.Alert                                { return a }
func (alerts) Alert(string) (alert.Alert, bool)                       { return alert.Alert{}, false }
func (alerts) NeverUp() []alert.Alert                                 { return nil }
func (alerts) NeverUpOf(string) []alert.Alert                         { return nil }
func (alerts) NeverUpCount() int                                      { return 0 }
func (alerts) History(alert.HistoryQuery) ([]alert.Transition, error) { return nil, nil }

func run(devices, ports int, watch time.Duration, browser, shots string) error {
	fleet := newFleet(devices, ports)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		fleet.feed(ctx)
	}()
	defer func() {
		cancel()
		<-fed
	}()
	server := web.New(web.Options{Version: "bench", Started: time.Now(), Memory: fleet.memory, Alerts: fleet.alerts(), Stats: fleet.stats,
		Collector: func() web.Collector { return web.Collector{Health: "ok"} }, Session: func(*http.Request) web.Session { return web.Session{MayWrite: true} },
		Log: slog.New(slog.DiscardHandler)})
	defer server.Close()
	files, err := web.NewFiles("")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	server.Handle(mux)
	files.Handle(mux)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	listening := &httptest.Server{Listener: l, Config: &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}}
	listening.Start()
	defer listening.Close()
	fmt.Println("pages at", listening.URL)
	if browser == "" {
		select {}
	}
	return look(listening.URL, browser, shots, watch)
}
