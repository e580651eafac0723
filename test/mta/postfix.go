// Package mta sends through a mail server that the world uses and we did not
// write: Debian's postfix, unpacked by test/setup.sh and installed nowhere, with
// its own configuration, queue and mailboxes in a folder that ends with the test.
package mta

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// patience is how long a process may take. It is a ceiling for broken builds,
// not a measure.
const patience = time.Minute

// Postfix is a server that runs. It takes mail for ada@ and grace@example.test
// under STARTTLS only, has no room for full@, and knows nobody else.
type Postfix struct {
	Port   int
	CA     string // PEM file
	folder string
	root   string
	t      testing.TB
	cmd    *exec.Cmd
}

const mainCF = `compatibility_level = 3.6
queue_directory = {{.Folder}}/queue
data_directory = {{.Folder}}/data
command_directory = {{.Root}}/usr/sbin
daemon_directory = {{.Root}}/usr/lib/postfix/sbin
shlib_directory = {{.Root}}/usr/lib/postfix
mail_owner = daemon
setgid_group = mail
default_privs = nobody
import_environment = MAIL_CONFIG LD_LIBRARY_PATH
export_environment = LD_LIBRARY_PATH
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = localhost
mydestination =
alias_maps =
local_recipient_maps =
maillog_file = {{.Folder}}/log
maillog_file_prefixes = {{.Folder}}
virtual_mailbox_domains = example.test
virtual_mailbox_base = {{.Folder}}/mail
virtual_mailbox_maps = inline:{ {ada@example.test=ada/}, {grace@example.test=grace/}, {full@example.test=full/} }
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_tls_security_level = encrypt
smtpd_tls_received_header = yes
smtpd_tls_cert_file = {{.Folder}}/etc/cert.pem
smtpd_tls_key_file = {{.Folder}}/etc/key.pem
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{ {full@example.test=450 4.2.2 No room} }, reject_unlisted_recipient
`

const masterCF = `127.0.0.1:{{.Port}} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
virtual unix - n n - - virtual
error unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`

// Start makes a server and starts it. Where postfix is missing the test is
// skipped, or fails if everything is to be tested.
func Start(t testing.TB) *Postfix {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	p := &Postfix{t: t, root: filepath.Join(filepath.Dir(here), "..", "out", "postfix")}
	if _, err := os.Stat(p.program("master")); err != nil {
		missing(t, "postfix is missing: run test/setup.sh")
	}
	if os.Getuid() != 0 {
		missing(t, "postfix changes users, so its test runs as root only")
	}
	p.make()
	p.Run()
	t.Cleanup(p.Stop)
	return p
}

func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("INTELLIAUTH_TEST") == "all" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func (p *Postfix) program(name string) string {
	return filepath.Join(p.root, "usr", "lib", "postfix", "sbin", name)
}

func (p *Postfix) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// make writes the configuration and the folders that postfix's own script would
// make, with the owners that it demands.
func (p *Postfix) make() {
	p.t.Helper()
	root, err := filepath.Abs(p.root)
	p.must(err)
	p.root = root
	p.folder, err = os.MkdirTemp("", "intelliauth-postfix-")
	p.must(err)
	p.t.Cleanup(func() { os.RemoveAll(p.folder) })
	p.must(os.Chmod(p.folder, 0o755)) // its users walk through
	l, err := net.Listen("tcp", "127.0.0.1:0")
	p.must(err)
	p.Port = l.Addr().(*net.TCPAddr).Port
	p.must(l.Close())
	daemon, mail := id(p, "daemon"), group(p, "mail")
	for _, d := range []struct {
		name       string
		mode       os.FileMode
		owner, gid int
	}{
		{"etc", 0o755, 0, 0},
		{"data", 0o700, daemon, 0},
		{"mail", 0o755, 65534, 65534},
		{"queue", 0o755, 0, 0},
		{"queue/pid", 0o755, 0, 0},
		{"queue/active", 0o700, daemon, 0},
		{"queue/bounce", 0o700, daemon, 0},
		{"queue/corrupt", 0o700, daemon, 0},
		{"queue/defer", 0o700, daemon, 0},
		{"queue/deferred", 0o700, daemon, 0},
		{"queue/flush", 0o700, daemon, 0},
		{"queue/hold", 0o700, daemon, 0},
		{"queue/incoming", 0o700, daemon, 0},
		{"queue/private", 0o700, daemon, 0},
		{"queue/saved", 0o700, daemon, 0},
		{"queue/trace", 0o700, daemon, 0},
		{"queue/maildrop", 0o730, daemon, mail},
		{"queue/public", 0o710, daemon, mail},
	} {
		path := filepath.Join(p.folder, d.name)
		p.must(os.Mkdir(path, d.mode))
		p.must(os.Chmod(path, d.mode)) // whatever the umask
		p.must(os.Chown(path, d.owner, d.gid))
	}
	for name, text := range map[string]string{"main.cf": mainCF, "master.cf": masterCF} {
		var b bytes.Buffer
		p.must(template.Must(template.New(name).Parse(text)).Execute(&b, map[string]any{"Folder": p.folder, "Root": p.root, "Port": p.Port}))
		p.must(os.WriteFile(filepath.Join(p.folder, "etc", name), b.Bytes(), 0o644))
	}
	p.CA = filepath.Join(p.folder, "etc", "cert.pem")
	out, err := exec.Command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
		"-keyout", filepath.Join(p.folder, "etc", "key.pem"), "-out", p.CA, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost").CombinedOutput()
	if err != nil {
		p.t.Fatalf("openssl: %v\n%s", err, out)
	}
}

func id(p *Postfix, name string) int {
	u, err := user.Lookup(name)
	p.must(err)
	n, err := strconv.Atoi(u.Uid)
	p.must(err)
	return n
}

func group(p *Postfix, name string) int {
	g, err := user.LookupGroup(name)
	p.must(err)
	n, err := strconv.Atoi(g.Gid)
	p.must(err)
	return n
}

// Run starts the server and waits until it answers.
func (p *Postfix) Run() {
	p.t.Helper()
	p.cmd = exec.Command(p.program("master"), "-c", filepath.Join(p.folder, "etc"), "-d")
	p.cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+filepath.Join(p.root, "usr", "lib", "postfix"), "MAIL_CONFIG="+filepath.Join(p.folder, "etc"))
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.must(p.cmd.Start())
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", p.address(), time.Second)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("postfix does not answer: %v\n%s", err, p.Log())
		}
	}
}

func (p *Postfix) address() string { return fmt.Sprintf("127.0.0.1:%d", p.Port) }

// Stop ends the server and its children; Run starts it again.
func (p *Postfix) Stop() {
	if p.cmd == nil {
		return
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM) // its own group: nobody else's
	_ = p.cmd.Wait()
	p.cmd = nil
}

// Log is what the server wrote.
func (p *Postfix) Log() string {
	b, _ := os.ReadFile(filepath.Join(p.folder, "log"))
	return string(b)
}

// Mailbox waits for the n-th mail to somebody and returns it.
func (p *Postfix) Mailbox(name string, n int) string {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(p.folder, "mail", name, "new", "*"))
		p.must(err)
		if len(files) >= n {
			raw, err := os.ReadFile(files[n-1])
			p.must(err)
			return string(raw)
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s got %d mails\n%s", name, len(files), strings.TrimSpace(p.Log()))
		}
	}
}
