package snmpdconf_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/agent/snmpdconf"
)

func TestHost(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       snmpdconf.Host
		messages   []string
	}{
		{"all", "ignoreDisk /dev/sd[a-c] /dev/fd? # floppies\nIGNOREDISK /dev/[~v]*\nskipNFSInHostResources true\nstorageUseNFS 2\nrealStorageUnits 1\n", snmpdconf.Host{
			IgnoredDisks: []string{"/dev/sd[a-c]", "/dev/fd?", "/dev/[^v]*"}, SkipNetwork: true, NetworkAsFixed: true, RealUnits: true,
		}, nil},
		{"off", "skipNFSInHostResources no\nstorageUseNFS 1\nrealStorageUnits 0\n", snmpdconf.Host{}, nil},
		{"wrong", "ignoreDisk /dev/[\nskipNFSInHostResources maybe\nstorageUseNFS 3\nrealStorageUnits 1 2\n", snmpdconf.Host{}, []string{
			`f:1: error: ignoreDisk: "/dev/[" is no pattern, such as /dev/sd[a-c]`,
			"f:2: error: skipNFSInHostResources must be true or false",
			"f:3: error: storageUseNFS must be 1 (network disks) or 2 (fixed disks)",
			"f:4: error: realStorageUnits must be true or false",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, diagnostics := snmpdconf.Parse("f", []byte(test.text))
			var messages []string
			for _, d := range diagnostics {
				messages = append(messages, d.String())
			}
			if diff := cmp.Diff(test.messages, messages); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
			if test.messages == nil {
				if diff := cmp.Diff(test.want, config.Host); diff != "" {
					t.Errorf("config (-want +got):\n%s", diff)
				}
			}
		})
	}
}
