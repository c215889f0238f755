package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestOwnNames holds that pages on loopback are not read by a browser that was told that somebody's name is 127.0.0.1.
func TestOwnNames(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	for _, tt := range []struct {
		listen, host string
		want         int
	}{
		{"127.0.0.1:8161", "127.0.0.1:8161", http.StatusOK},
		{"127.0.0.1:8161", "127.0.0.1", http.StatusOK},
		{"127.0.0.1:8161", "LocalHost.:8161", http.StatusOK},
		{"127.0.0.1:8161", "collector.localhost:9000", http.StatusOK}, // a tunnel's port
		{"127.0.0.1:8161", "[::1]:8161", http.StatusOK},
		{"127.0.0.1:8161", "[::ffff:127.0.0.1]:8161", http.StatusOK},
		{"127.0.0.1:8161", "", http.StatusOK},
		{"[::1]:8161", "[::1]", http.StatusOK},
		{"127.0.0.1:8161", "evil.example:8161", http.StatusMisdirectedRequest},
		{"127.0.0.1:8161", "evil.example", http.StatusMisdirectedRequest},
		{"127.0.0.1:8161", "127.0.0.1.evil.example", http.StatusMisdirectedRequest},
		{"127.0.0.1:8161", "notlocalhost", http.StatusMisdirectedRequest},
		{"127.0.0.1:8161", "192.0.2.1:8161", http.StatusMisdirectedRequest},
		{"[::1]:8161", "evil.example", http.StatusMisdirectedRequest},
		{"192.0.2.1:8161", "collector.example:8161", http.StatusOK},
		{"0.0.0.0:8161", "collector.example:8161", http.StatusOK},
	} {
		addr, err := net.ResolveTCPAddr("tcp", tt.listen)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Host = tt.host
		w := httptest.NewRecorder()
		ownNames(addr, pages).ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("listening at %s, Host %q: %d, want %d: %s", tt.listen, tt.host, w.Code, tt.want, w.Body)
		}
	}
}
