package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync"
)

var writers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is one
	return w
}}

// Compressed lets next answer through gzip if whoever asks takes that.
func Compressed(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		if !takesGzip(r) {
			next(w, r)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		out := writers.Get().(*gzip.Writer)
		defer writers.Put(out)
		out.Reset(w)
		next(gzipped{w, out}, r)
		_ = out.Close() // an error is the connection's, and next was told of it
	})
}

type gzipped struct {
	http.ResponseWriter
	out *gzip.Writer
}

func (g gzipped) Write(b []byte) (int, error) { return g.out.Write(b) }

// takesGzip reports whether r accepts gzip (RFC 9110, 12.5.3).
func takesGzip(r *http.Request) bool {
	for _, field := range r.Header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(field, ",") {
			name, q, _ := strings.Cut(strings.TrimSpace(coding), ";")
			never := strings.TrimRight(strings.ReplaceAll(q, " ", ""), "0") // of "q=0", and of "q=0.000"
			if strings.EqualFold(strings.TrimSpace(name), "gzip") && never != "q=" && never != "q=0." {
				return true
			}
		}
	}
	return false
}
