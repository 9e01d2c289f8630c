package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
)

// command returns the path of the command. SEALJWT_COMMAND names it, or else the test builds it.
func command(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("SEALJWT_COMMAND"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "sealjwt")
	build := exec.Command("go", "build", "-o", path, "./cmd/sealjwt")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

var flagInHelp = regexp.MustCompile(`(?m)^ +(?:-\w, )?(--[a-z-]+)`)

// checkArgs checks that a verb exists and has these flags.
func checkArgs(t *testing.T, command string, args []string) {
	t.Helper()
	verb := args
	if i := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "-") }); i >= 0 {
		verb = args[:i]
	}
	help, err := exec.Command(command, append(slices.Clone(verb), "--help")...).Output()
	if err != nil || !strings.Contains(string(help), "Usage:\n  sealjwt "+strings.Join(verb, " ")) {
		t.Fatalf("%q is no verb (%v)", verb, err)
	}
	var known []string
	for _, match := range flagInHelp.FindAllStringSubmatch(string(help), -1) {
		known = append(known, match[1])
	}
	for _, arg := range args[len(verb):] {
		name, _, _ := strings.Cut(arg, "=")
		if strings.HasPrefix(name, "-") && !slices.Contains(known, name) {
			t.Errorf("%q has no flag %s: %q", verb, name, known)
		}
	}
}

// The command accepts every command line in the manifests and in the units.
func TestCommandLines(t *testing.T) {
	sealjwt, lines := command(t), 0
	for _, object := range manifests(t) {
		if pod := podOf(object); pod != nil {
			checkArgs(t, sealjwt, pod.Spec.Containers[0].Args)
			lines++
		}
	}
	units, err := filepath.Glob(files + "/systemd/*.service")
	if err != nil || len(units) == 0 {
		t.Fatalf("no units (%v)", err)
	}
	for _, path := range units {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if args, ok := strings.CutPrefix(strings.TrimSpace(line), "ExecStart=/usr/local/bin/sealjwt "); ok {
				checkArgs(t, sealjwt, strings.Fields(args))
				lines++
			}
		}
	}
	if lines != 5 {
		t.Errorf("%d command lines", lines)
	}
}

// Every timer runs at least twice within the grace of keys check.
func TestTimers(t *testing.T) {
	timer, err := os.ReadFile(files + "/systemd/sealjwt-rotate.timer")
	if err != nil {
		t.Fatal(err)
	}
	if cron := find[*batchv1.CronJob](t, "sealjwt-rotate").Spec; cron.Schedule != "*/10 * * * *" || cron.ConcurrencyPolicy != batchv1.ForbidConcurrent {
		t.Errorf("%+v", cron)
	}
	if !strings.Contains(string(timer), "\nOnCalendar=*:0/10\n") {
		t.Errorf("%s", timer)
	}
	help, err := exec.Command(command(t), "keys", "check", "--help").Output()
	match := regexp.MustCompile(`(?s)--grace DURATION .*?\(default\s+(\w+)\)`).FindSubmatch(help)
	if err != nil || match == nil {
		t.Fatalf("%v: %s", err, help)
	}
	if grace, err := time.ParseDuration(string(match[1])); err != nil || grace < 2*10*time.Minute {
		t.Errorf("the grace is %s (%v)", match[1], err)
	}
}

// Both services and sealjwt-run have the same user, key file, memory and hardening, because each reads
// the files that the others write.
func TestUnitsAgree(t *testing.T) {
	own := regexp.MustCompile(`^(Type|ExecStart|ExecReload|Restart|RestartSec|TimeoutStartSec|PrivateNetwork|RestrictAddressFamilies)=`)
	shared := func(name string) (lines []string) {
		text, err := os.ReadFile(files + "/systemd/" + name)
		if err != nil {
			t.Fatal(err)
		}
		_, service, _ := strings.Cut(string(text), "[Service]\n")
		service, _, _ = strings.Cut(service, "\n[Install]")
		for line := range strings.Lines(service) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' && !own.MatchString(line) {
				lines = append(lines, line)
			}
		}
		return lines
	}
	jwks, rotate := shared("sealjwt-jwks.service"), shared("sealjwt-rotate.service")
	if !slices.Equal(jwks, rotate) {
		t.Errorf("%q\n%q", jwks, rotate)
	}
	for _, want := range []string{
		"User=sealjwt", "LoadCredential=kek:/etc/sealjwt/kek", "Environment=SEALJWT_KEK_FILE=%d/kek", "NoNewPrivileges=yes",
		"ProtectSystem=strict", "StateDirectoryMode=0700", "UMask=0077", "LimitCORE=0", "CapabilityBoundingSet=",
	} {
		if !slices.Contains(jwks, want) {
			t.Errorf("no %s", want)
		}
	}
	const kek = "Environment=SEALJWT_KEK_FILE=%d/kek" // systemd-run knows no %d
	run, err := os.ReadFile(files + "/systemd/sealjwt-run")
	if err != nil {
		t.Fatal(err)
	}
	var properties []string
	for _, match := range regexp.MustCompile(`(?m)^\t-p (\S+=)('?)(.*?)('?) \\$`).FindAllStringSubmatch(string(run), -1) {
		if property := match[1] + match[3]; !own.MatchString(property) && match[2] == match[4] {
			properties = append(properties, property)
		}
	}
	want := slices.DeleteFunc(slices.Clone(jwks), func(line string) bool { return line == kek })
	if !slices.Equal(properties, want) || !strings.Contains(string(run), "SEALJWT_KEK_FILE=$CREDENTIALS_DIRECTORY/kek ") {
		t.Errorf("sealjwt-run has %q, want %q", properties, want)
	}
}
