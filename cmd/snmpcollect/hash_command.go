package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"walkabout/web/access"
)

// hashCommand makes what pages: users: has in the place of a password.
func (p process) hashCommand() *cobra.Command {
	c := &cobra.Command{Use: "hash-password", Short: "Make the password_hash of a user of the pages", Args: cobra.NoArgs,
		Long: "Asks for a password, twice, or reads a line from standard input where that is no terminal, and prints its hash (bcrypt) for\n" +
			"pages: users: of the configuration. The password itself is kept nowhere.",
		Example: "  snmpcollect hash-password\n  pass show collector | snmpcollect hash-password"}
	c.RunE = func(c *cobra.Command, _ []string) error {
		password, err := p.readPassword(c.InOrStdin())
		if err != nil {
			return err
		}
		hash, err := access.Hash(password)
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, hash)
		return nil
	}
	return c
}

func (p process) readPassword(in io.Reader) (string, error) {
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Again: "} {
		fmt.Fprint(p.stderr, prompt)
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(p.stderr)
		if err != nil {
			return "", err
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two differ")
	}
	return typed[0], nil
}
