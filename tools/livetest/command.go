package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/tools/assumptions"
	"github.com/smsqueue/smsqueue/tools/emulation"
	"github.com/smsqueue/smsqueue/tools/engines"
)

type settings struct {
	root, number, optedOut, client, before string
	only                                   string
	maxUSD                                 float64
	idle, patience                         time.Duration
	yes, asJSON, emulate                   bool
}

const usage = `Usage: livetest [flags]                 checks every assumption
       livetest [flags] snapshot FILE    writes the account's settings to FILE
       livetest [flags] compare FILE     says how they differ from those in FILE

Flags:
`

func livetest(ctx context.Context, args []string) error {
	var s settings
	flags := flag.NewFlagSet("livetest", flag.ContinueOnError)
	flags.StringVar(&s.root, "root", "terraform/deployment", "folder of the Terraform configuration that was applied")
	flags.StringVar(&s.number, "number", "", "phone number that gets the messages, such as +4915112345678")
	flags.StringVar(&s.optedOut, "opted-out", "", "phone number that has opted out of the account's messages")
	flags.StringVar(&s.client, "client", "", "name of a client with both scopes; the first client by default")
	flags.StringVar(&s.before, "before", "", "file that snapshot wrote before the deployment was applied")
	flags.StringVar(&s.only, "only", "", "names of the checks to make, with commas between them")
	flags.Float64Var(&s.maxUSD, "max-usd", 0.8, "the most that all messages together may cost, in US dollars")
	flags.DurationVar(&s.idle, "idle", 2*time.Minute, "how long functions are idle before a hand-over")
	flags.DurationVar(&s.patience, "patience", 5*time.Minute, "how long to wait for receipts, log lines, events and metrics")
	flags.BoolVar(&s.yes, "yes", false, "send without asking")
	flags.BoolVar(&s.asJSON, "json", false, "print the results as JSON")
	flags.BoolVar(&s.emulate, "emulate", false, "apply the deployment to ministack on this machine, and check that")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return exitError(exitRefused)
	}
	switch command := flags.Args(); {
	case len(command) == 0:
		return s.check(ctx)
	case len(command) == 2 && (command[0] == "snapshot" || command[0] == "compare"):
		return s.accountWide(ctx, command[0], command[1])
	default:
		flags.Usage()
		return exitError(exitRefused)
	}
}

func (s settings) check(ctx context.Context) error {
	if s.emulate {
		stop, err := s.startEmulation(ctx)
		if err != nil {
			return err
		}
		defer stop()
	}
	o, err := s.options(ctx)
	if err != nil {
		return err
	}
	if err := assumptions.CheckSpending(ctx, o); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Parts of SMS that this sends to %s, at most: %d. Their price together, at most: %.2f USD. Time, at most: %v.\n",
		o.Number.Redacted(), o.Parts(), o.MaxUSD, (2*o.Patience + o.Idle + 3*time.Minute).Round(time.Minute))
	if !o.Engine.Emulated() && !s.yes && !confirmed(os.Stdin) {
		return errors.New("nothing was sent: confirm with y, or with --yes")
	}
	results, leftover := assumptions.Run(ctx, o)
	if err := s.print(results); err != nil {
		return err
	}
	switch {
	case leftover != nil:
		fmt.Fprintln(os.Stderr, "livetest: remove by hand what is left:", leftover)
		return exitError(exitLeftover)
	case assumptions.Failed(results):
		return exitError(exitFailed)
	}
	return nil
}

func (s settings) print(results []assumptions.Result) error {
	if !s.asJSON {
		return assumptions.Write(os.Stdout, results)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(results)
}

func confirmed(in io.Reader) bool {
	fmt.Fprint(os.Stderr, "Go on? [y/N] ")
	line, _ := bufio.NewReader(in).ReadString('\n') // the end of the input counts as the answer no
	return strings.EqualFold(strings.TrimSpace(line), "y")
}

func (s settings) options(ctx context.Context) (assumptions.Options, error) {
	o, err := s.caller(ctx)
	if err != nil {
		return o, err
	}
	if o.Number, err = s.readNumber(o.Engine); err != nil {
		return o, err
	}
	if s.optedOut != "" {
		if o.OptedOut, err = sms.ParseNumber(s.optedOut); err != nil {
			return o, fmt.Errorf("the number in --opted-out is %w", err)
		}
	}
	if s.before != "" {
		if o.Before, err = readSettings(s.before); err != nil {
			return o, err
		}
	}
	if s.only != "" {
		o.Only = strings.Split(s.only, ",")
	}
	if len(o.Checks()) < max(1, len(o.Only)) {
		return o, errors.New("--only names a check that does not exist")
	}
	outputs, err := exec.CommandContext(ctx, "terraform", "-chdir="+s.root, "output", "-json").Output()
	if err != nil {
		return o, fmt.Errorf("reading Terraform's outputs in %s: %w", s.root, withStderr(err))
	}
	if o.Deployment, err = assumptions.ReadDeployment(outputs, o.Endpoint); err != nil {
		return o, err
	}
	o.Client, err = o.Deployment.Choose(s.client)
	o.MaxUSD, o.Patience, o.Idle, o.Plan = s.maxUSD, s.patience, s.idle, s.plan
	return o, err
}

// Returns options with the AWS configuration of the environment and, if AWS_ENDPOINT_URL
// is set, with the engine that takes the place of AWS.
func (s settings) caller(ctx context.Context) (assumptions.Options, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return assumptions.Options{}, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return assumptions.Options{}, errors.New("set AWS_REGION to the deployment's Region")
	}
	o := assumptions.Options{Config: cfg, Endpoint: os.Getenv("AWS_ENDPOINT_URL")}
	if o.Endpoint != "" {
		if o.Engine = assumptions.Detect(ctx, o.Endpoint); !o.Engine.Emulated() {
			return o, errors.New("at AWS_ENDPOINT_URL is neither ministack nor moto")
		}
	}
	return o, nil
}

// emulatedNumber is fictional, in a country to which the emulation is allowed to send.
const emulatedNumber = "+4915112345678"

func (s settings) readNumber(engine assumptions.Engine) (sms.Number, error) {
	if s.number == "" && engine.Emulated() {
		return emulatedNumber, nil
	}
	if s.number == "" {
		return "", errors.New("name the phone that gets the messages: --number +4915112345678")
	}
	number, err := sms.ParseNumber(s.number)
	if err != nil {
		return "", fmt.Errorf("the number in --number is %w", err)
	}
	return number, nil
}

// Returns what terraform apply would change if it ran again.
func (s settings) plan(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "terraform", "-chdir="+s.root, "plan", "-no-color", "-input=false", "-lock=false", "-detailed-exitcode")
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 2 {
		return string(out), nil
	}
	if err != nil {
		return "", fmt.Errorf("running terraform plan: %w", withStderr(err))
	}
	return "", nil
}

func withStderr(err error) error {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	return err
}

// startEmulation points the settings and the environment to ministack.
func (s *settings) startEmulation(ctx context.Context) (stop func(), err error) {
	repo, err := engines.FindRepository(ctx)
	if err != nil {
		return nil, err
	}
	dir, remove, err := emulation.TempDir(repo)
	if err != nil {
		return nil, err
	}
	running, err := emulation.Emulate(ctx, repo, dir, os.Stderr, nil)
	if err != nil {
		remove()
		return nil, err
	}
	s.root = running.Workspace.Root
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": running.Front.URL, "AWS_REGION": "us-east-1", "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	return func() {
		running.Stop()
		remove()
	}, nil
}

// For the command "snapshot", accountWide writes the account's settings to a file.
// Otherwise it compares them with the file.
func (s settings) accountWide(ctx context.Context, command, file string) error {
	o, err := s.caller(ctx)
	if err != nil {
		return err
	}
	now, err := assumptions.ReadSettings(ctx, o)
	if err != nil {
		return err
	}
	if command == "snapshot" {
		text, err := json.MarshalIndent(now, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(file, append(text, '\n'), 0o600)
	}
	before, err := readSettings(file)
	if err != nil {
		return err
	}
	changes := before.Compare(now)
	for _, line := range changes {
		fmt.Println(line)
	}
	if len(changes) > 0 {
		return exitError(exitFailed)
	}
	fmt.Printf("All %d settings are as they were.\n", len(before))
	return nil
}

func readSettings(file string) (assumptions.Settings, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all assumptions.Settings
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return all, nil
}
