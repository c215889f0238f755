package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
)

// dist has the pages as they are built from web/ui.
//
//go:embed all:dist
var dist embed.FS

// asset is a file, ready to be sent.
type asset struct {
	plain, gzip []byte // gzip is nil where it is no smaller
	kind, tag   string
	forever     bool // its name changes with its contents
}

// hashed matches files whose names have a hash of their contents, as esbuild makes them.
var hashed = regexp.MustCompile(`^assets/.*-[A-Z0-9]{8}\.[a-z0-9]+$`)

// Files serves the pages themselves, built into the program: files by their names, and index.html for all that a page shows under an address of
// its own (ClientPaths).
type Files struct {
	assets map[string]asset
	below  asset // index.html for whoever asks below a path: see Below
}

// ClientPaths begin the addresses that the pages give to what they show. "/" is one too.
var ClientPaths = []string{"/fleet", "/devices", "/alerts", "/collector", "/events", "/log", "/silences"}

// NewFiles reads the pages. Those asked for by way of Below are to be given the same prefix.
func NewFiles(prefix string) (*Files, error) {
	pages, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, err
	}
	return filesOf(pages, prefix)
}

func filesOf(pages fs.FS, prefix string) (*Files, error) {
	f := &Files{assets: map[string]asset{}}
	err := fs.WalkDir(pages, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(pages, name)
		if err != nil {
			return err
		}
		a, err := newAsset(name, data)
		f.assets["/"+name] = a
		return err
	})
	if err == nil && f.assets[index].plain == nil {
		err = errors.New("web: the pages have no index.html")
	}
	if err != nil {
		return nil, err
	}
	f.below, err = newAsset(index, bytes.ReplaceAll(f.assets[index].plain, []byte(`="/`), []byte(`="`+prefix+`/`)))
	return f, err
}

const index = "/index.html"

func newAsset(name string, data []byte) (asset, error) {
	sum := sha256.Sum256(data)
	a := asset{plain: data, kind: typeOf(name), tag: `"` + hex.EncodeToString(sum[:8]) + `"`, forever: hashed.MatchString(name)}
	var small bytes.Buffer
	w, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err != nil {
		return a, err
	}
	if _, err := w.Write(data); err != nil {
		return a, err
	}
	if err := w.Close(); err != nil {
		return a, err
	}
	if small.Len() < len(data)*9/10 {
		a.gzip = small.Bytes()
	}
	return a, nil
}

// typeOf is the same on every system: mime's own table is that of the machine.
func typeOf(name string) string {
	known := map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
		".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
		".json": "application/json", ".map": "application/json", ".webmanifest": "application/manifest+json"}
	if kind := known[path.Ext(name)]; kind != "" {
		return kind
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

// Handle adds the pages to mux.
func (f *Files) Handle(mux *http.ServeMux) {
	for name, a := range f.assets {
		if name != index {
			mux.Handle("GET "+name, a)
		}
	}
	first := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(belowKey{}) != nil {
			f.below.ServeHTTP(w, r)
		} else {
			f.assets[index].ServeHTTP(w, r)
		}
	})
	mux.Handle("GET /{$}", first)
	for _, p := range ClientPaths {
		mux.Handle("GET "+p, first)
		mux.Handle("GET "+p+"/", first)
	}
}

// ServeHTTP implements http.Handler.
func (a asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Add("Vary", "Accept-Encoding")
	body, tag := a.plain, a.tag
	if a.gzip != nil && takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body, tag = a.gzip, strings.TrimSuffix(a.tag, `"`)+`-gzip"`
	}
	h.Set("ETag", tag)
	if a.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	for known := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = w.Write(body) // who does not take it has gone
}
