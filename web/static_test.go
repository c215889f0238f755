package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestFiles(t *testing.T) {
	script := strings.Repeat("let x = 1;\n", 100)
	f, err := filesOf(fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}, "assets/app-5KQ2M7XW.js": {Data: []byte(script)}, "assets/THIRD-PARTY.txt": {Data: []byte("MIT")}}, "")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	f.Handle(mux)
	get := func(path string, header ...string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Result()
	}
	for path, want := range map[string]struct {
		status      int
		kind, cache string
	}{
		"/": {200, "text/html; charset=utf-8", "no-cache"}, "/devices/core1": {200, "text/html; charset=utf-8", "no-cache"},
		"/devices/a%2Fb/interfaces/ge-0%2F0%2F3": {200, "text/html; charset=utf-8", "no-cache"}, "/devices/%F0%9F%98%80/interfaces/%3Cb%3E": {200, "text/html; charset=utf-8", "no-cache"},
		"/alerts": {200, "text/html; charset=utf-8", "no-cache"}, "/alerts/2273f81ccf5d21ce6e60ff1cb6e95eec": {200, "text/html; charset=utf-8", "no-cache"},
		"/collector": {200, "text/html; charset=utf-8", "no-cache"}, "/events": {200, "text/html; charset=utf-8", "no-cache"},
		"/assets/app-5KQ2M7XW.js": {200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/assets/THIRD-PARTY.txt": {200, "text/plain; charset=utf-8", "no-cache"},
		"/assets/app-OLDOLD12.js": {404, "text/plain; charset=utf-8", ""}, "/nothing": {404, "text/plain; charset=utf-8", ""}, "/index.html": {404, "text/plain; charset=utf-8", ""},
	} {
		r := get(path)
		if r.StatusCode != want.status || r.Header.Get("Content-Type") != want.kind || r.Header.Get("Cache-Control") != want.cache {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
		if r.StatusCode != 200 {
			continue
		}
		if again := get(path, "If-None-Match", `"x", W/`+r.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", path, again.StatusCode)
		}
	}
	for accept, packed := range map[string]bool{"gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false, "": false, "br": false} {
		r := get("/assets/app-5KQ2M7XW.js", "Accept-Encoding", accept)
		if (r.Header.Get("Content-Encoding") == "gzip") != packed || r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %v", accept, r.Header)
		}
		body := io.Reader(r.Body)
		if packed {
			if body, err = gzip.NewReader(r.Body); err != nil {
				t.Fatal(err)
			}
		}
		if text, err := io.ReadAll(body); err != nil || string(text) != script {
			t.Errorf("%q: %v, %d octets", accept, err, len(text))
		}
	}
	if _, err := filesOf(fstest.MapFS{"x": {}}, ""); err == nil {
		t.Error("pages without index.html pass")
	}
}

// TestBuilt: the pages that are built into the program load nothing from elsewhere, and all that index.html names is there.
func TestBuilt(t *testing.T) {
	f, err := NewFiles("")
	if err != nil {
		t.Fatal(err)
	}
	page := string(f.assets[index].plain)
	if strings.Contains(page, "://") || strings.Contains(page, "style=") || strings.Contains(page, "<script>") {
		t.Errorf("index.html would be refused by its own policy:\n%s", page)
	}
	for rest := page; ; {
		_, after, found := strings.Cut(rest, `"/assets/`)
		if !found {
			break
		}
		name, more, _ := strings.Cut(after, `"`)
		if a, ok := f.assets["/assets/"+name]; !ok || !a.forever {
			t.Errorf("/assets/%s is not there, or not cached for ever", name)
		}
		rest = more
	}
}

// TestBelow: pages that a proxy has below a path name their files there, whether it hands the path on or takes it away; who asks at the root gets those of the root.
func TestBelow(t *testing.T) {
	f, err := filesOf(fstest.MapFS{"index.html": {Data: []byte(`<script src="/assets/app-5KQ2M7XW.js"></script><a href="/metrics">`)}, "assets/app-5KQ2M7XW.js": {Data: []byte("x")}}, "/net/nms")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	f.Handle(mux)
	mux.HandleFunc("GET /api/path", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })
	h := Below("/net/nms", mux)
	const root, below = `<script src="/assets/app-5KQ2M7XW.js"></script><a href="/metrics">`, `<script src="/net/nms/assets/app-5KQ2M7XW.js"></script><a href="/net/nms/metrics">`
	for _, test := range []struct {
		path, prefix string
		status       int
		want         string
	}{
		{"/", "", 200, root}, {"/devices/a", "", 200, root}, {"/assets/app-5KQ2M7XW.js", "", 200, "x"}, {"/api/path", "", 200, "/api/path"},
		{"/net/nms/", "", 200, below}, {"/net/nms/devices/a%2Fb/interfaces/ge-0%2F0%2F3?span=1h", "", 200, below}, {"/net/nms/assets/app-5KQ2M7XW.js", "", 200, "x"},
		{"/net/nms/api/path", "", 200, "/api/path"}, {"/net/nms/nothing", "", 404, "404 page not found\n"}, {"/net/nmsx/", "", 404, "404 page not found\n"},
		{"/", "/net/nms", 200, below}, {"/alerts", "/net/nms/", 200, below}, {"/", "/of/another", 200, root}, {"/", `/"><script>`, 200, root},
	} {
		r := httptest.NewRequest(http.MethodGet, test.path, nil)
		r.Header.Set("X-Forwarded-Prefix", test.prefix)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.status || w.Body.String() != test.want {
			t.Errorf("%s %s: %d %q, want %d %q", test.path, test.prefix, w.Code, w.Body, test.status, test.want)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/net/nms", nil))
	if w.Code/100 != 3 || w.Header().Get("Location") != "/net/nms/" {
		t.Errorf("/net/nms: %d to %q", w.Code, w.Header().Get("Location"))
	}
}
