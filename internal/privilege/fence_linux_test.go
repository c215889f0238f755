package privilege_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"walkabout/internal/privilege"
)

// fenceDir, in the environment, makes the test binary a process that fences itself in: within this folder read, write and sockets, and nothing
// else.
const fenceDir = "WALKABOUT_TEST_FENCE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(fenceDir); dir != "" {
		fenced(dir)
		return
	}
	os.Exit(m.Run())
}

// fenced prints what a process within a fence can do, in a thread that was there before as well.
func fenced(dir string) {
	in := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	open, _ := os.Open(in("secret", "file"))
	ready, fence := make(chan struct{}), make(chan struct{})
	var thread sync.WaitGroup
	var before string
	thread.Go(func() {
		runtime.LockOSThread()
		close(ready)
		<-fence
		before = said(os.ReadFile(in("secret", "file")))
	})
	<-ready
	held, err := privilege.Fence{Read: []string{in("read"), in("one"), in("missing")}, Write: []string{in("write")}, Sockets: []string{in("sockets")}, Remove: []string{in("remove")}}.Enforce()
	close(fence)
	thread.Wait()
	if errors.Is(err, errors.ErrUnsupported) {
		fmt.Println("unsupported", said(os.ReadFile(in("secret", "file"))))
		return
	}
	fmt.Println("enforced", err)
	defer held.Close()
	fmt.Println("secret", said(os.ReadFile(in("secret", "file"))), "thread", before)
	_, err = open.Read(make([]byte, 1))
	fmt.Println("open already", err)
	fmt.Println("read", said(os.ReadFile(in("read", "file"))), "one", said(os.ReadFile(in("one"))))
	_ = os.Rename(in("write", "new"), in("write", "file")) // as editors do, and persist
	fmt.Println("replaced", said(os.ReadFile(in("write", "file"))))
	fmt.Println("write", said(nil, os.WriteFile(in("write", "other"), nil, 0o600)), said(nil, os.Remove(in("write", "other"))))
	fmt.Println("write to read", said(nil, os.WriteFile(in("read", "file"), nil, 0o600)), said(nil, os.WriteFile(in("read", "other"), nil, 0o600)), said(nil, os.Remove(in("read", "file"))))
	fmt.Println("sockets", said(nil, os.WriteFile(in("sockets", "file"), nil, 0o600)), said(nil, os.Remove(in("sockets", "old"))))
	fmt.Println("remove", said(os.ReadFile(in("remove", "old"))), said(nil, os.Remove(in("remove", "old"))))
}

func said(_ []byte, err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, os.ErrPermission):
		return "refused"
	default:
		return err.Error()
	}
}

func TestFence(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"secret/file", "read/file", "one", "write/file", "write/new", "sockets/old", "remove/old"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), fenceDir+"="+dir)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := []string{
		"enforced <nil>", "secret refused thread refused", "open already <nil>", "read ok one ok", "replaced ok", "write ok ok",
		"write to read refused refused refused", "sockets refused ok", "remove refused ok", "",
	}
	if strings.HasPrefix(string(out), "unsupported") { // a kernel without Landlock, which must leave everything as it was
		want = []string{"unsupported ok", ""}
	}
	if diff := cmp.Diff(want, strings.Split(string(out), "\n")); diff != "" {
		t.Error(diff)
	}
}
