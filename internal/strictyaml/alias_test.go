package strictyaml_test

import (
	"testing"

	"walkabout/internal/strictyaml"
)

// TestAliasesOfAliases holds that a document that is endless, or very large, by its aliases is refused at once.
func TestAliasesOfAliases(t *testing.T) {
	type item struct {
		Name string           `yaml:"name"`
		Sub  map[string]*item `yaml:"sub"`
	}
	for name, text := range map[string]string{
		"merged into itself": "&x {name: a, <<: *x, <<: *x, <<: *x}",
		"below itself":       "&x {name: a, sub: {a: *x, b: *x, c: *x}}",
	} {
		t.Run(name, func(t *testing.T) {
			var v item
			if _, errs := strictyaml.Decode([]byte(text), &v); len(errs) == 0 {
				t.Error("no error")
			}
		})
	}
}
