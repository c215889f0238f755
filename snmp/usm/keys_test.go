package usm_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"walkabout/snmp/usm"
)

// TestKeys holds keys against those that Net-SNMP's createUser and pysnmp derive; those of MD5 and SHA are also RFC 3414's
// (appendix A.3).
func TestKeys(t *testing.T) {
	var vectors []struct{ Auth, Priv, Password, Engine, AuthKey, PrivKey, Ku string }
	b, err := os.ReadFile("testdata/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 36 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for _, v := range vectors {
		auth, err := usm.ParseAuthProtocol(v.Auth)
		if err != nil {
			t.Fatal(err)
		}
		priv, err := usm.ParsePrivProtocol(v.Priv)
		if err != nil {
			t.Fatal(err)
		}
		engine := string(unhex(t, v.Engine))
		ku, err := usm.PasswordToKey(auth, v.Password)
		if err != nil || !bytes.Equal(ku, unhex(t, v.Ku)) {
			t.Errorf("%s: Ku is %x, %v; want %s", v.Auth, ku, err, v.Ku)
		}
		if kul := usm.Localize(auth, ku, engine); !bytes.Equal(kul, unhex(t, v.AuthKey)) {
			t.Errorf("%s: Kul is %x, want %s", v.Auth, kul, v.AuthKey)
		}
		if key := usm.PrivKey(auth, priv, ku, engine); !bytes.Equal(key, unhex(t, v.PrivKey)) {
			t.Errorf("%s/%s: the privacy key is %x, want %s", v.Auth, v.Priv, key, v.PrivKey)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestNames(t *testing.T) {
	for name, want := range map[string]usm.AuthProtocol{"md5": usm.MD5, "SHA": usm.SHA, "sha1": usm.SHA, "SHA-1": usm.SHA, "sha256": usm.SHA256, "SHA-512": usm.SHA512, "Sha_384": usm.SHA384} {
		if got, err := usm.ParseAuthProtocol(name); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, want := range map[string]usm.PrivProtocol{"des": usm.DES, "AES": usm.AES, "aes-128": usm.AES, "AES192": usm.AES192, "aes256c": usm.AES256C, "AES-256-C": usm.AES256C} {
		if got, err := usm.ParsePrivProtocol(name); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := usm.ParseAuthProtocol("SHA-3"); !errors.Is(err, usm.ErrProtocol) {
		t.Error(err)
	}
	if _, err := usm.ParsePrivProtocol("3DES"); !errors.Is(err, usm.ErrProtocol) {
		t.Error(err)
	}
	if _, err := usm.ParseAuthProtocol(""); !errors.Is(err, usm.ErrProtocol) {
		t.Error(err)
	}
	if _, err := usm.PasswordToKey(usm.SHA, "short"); !errors.Is(err, usm.ErrPassword) {
		t.Error(err)
	}
}
