package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const text = "hunter2-72d1"

func TestNothingPrintsIt(t *testing.T) {
	type outer struct {
		Exported   String
		unexported String
		Pointer    *String
	}
	s := New(text)
	v := outer{s, s, &s}
	forms := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t", "%p", "%T", "%08.3f", "%!"} {
		forms["value "+verb] = fmt.Sprintf(verb, s)
		forms["pointer "+verb] = fmt.Sprintf(verb, &s)
		forms["struct "+verb] = fmt.Sprintf(verb, v)
		forms["slice "+verb] = fmt.Sprintf(verb, []String{s})
	}
	forms["String"], forms["GoString"] = s.String(), s.GoString()
	forms["error"] = fmt.Errorf("refused: %w %v", fmt.Errorf("%v", v), s).Error()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Error("text", "s", s, "v", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Error("json", "s", s, "v", v)
	forms["log"] = log.String()
	j, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	forms["json"] = string(j)
	y, err := yaml.Marshal(map[string]any{"s": s, "v": struct{ S String }{s}})
	if err != nil {
		t.Fatal(err)
	}
	forms["yaml"] = string(y)
	hex := fmt.Sprintf("%x", text)
	for name, form := range forms {
		if strings.Contains(form, text) || strings.Contains(strings.ToLower(form), hex) {
			t.Errorf("%s shows the secret: %s", name, form)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if got := fmt.Sprintf(verb, s); got != Mask {
			t.Errorf("Sprintf(%s) = %s, want %s", verb, got, Mask)
		}
	}
	if want := "s: <secret>\nv:\n    s: <secret>\n"; forms["yaml"] != want {
		t.Errorf("yaml = %q, want %q", forms["yaml"], want)
	}
}

func TestUnmarshal(t *testing.T) {
	tests := map[string]string{`plain`: "plain", `"with: quotes"`: "with: quotes", `123456`: "123456", `0123`: "0123", `yes`: "yes", `""`: "", ``: ""}
	for in, want := range tests {
		var got struct{ S String }
		if err := yaml.Unmarshal([]byte("s: "+in), &got); err != nil {
			t.Errorf("%s: %v", in, err)
		} else if got.S.Reveal() != want {
			t.Errorf("%s: %q, want %q", in, got.S.Reveal(), want)
		}
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "", false}, {"a", "aa", false}} {
		if got := New(c.a).Equal(New(c.b)); got != c.want {
			t.Errorf("New(%q).Equal(New(%q)) = %v", c.a, c.b, got)
		}
	}
	if !(String{}).IsZero() || !New("").IsZero() || New("x").IsZero() {
		t.Error("IsZero is true of more or less than the empty text")
	}
}
