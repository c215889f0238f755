package web

import (
	"context"
	"net/http"
	"strings"
)

// belowKey is in the context of requests that came below the path of Below.
type belowKey struct{}

// Below has next, which answers at the root of a host, answer below prefix ("/walkabout"; "" is none) as well. A proxy that has the pages there hands paths on as they
// are, or takes the prefix away and names it in X-Forwarded-Prefix. next sees paths without it.
func Below(prefix string, next http.Handler) http.Handler {
	if prefix == "" {
		return next
	}
	below := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), belowKey{}, true)))
	})
	mux := http.NewServeMux()
	mux.Handle(prefix+"/", http.StripPrefix(prefix, below))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if strings.TrimSuffix(r.Header.Get("X-Forwarded-Prefix"), "/") == prefix {
			below.ServeHTTP(w, r)
		} else {
			next.ServeHTTP(w, r)
		}
	})
	return mux
}
