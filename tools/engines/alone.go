package engines

import (
	"context"
	_ "embed" // for the program that starts ministack
	"errors"
	"os"
	"slices"

	"github.com/smsqueue/smsqueue/shared/enginetest"
)

// Each of these engines runs only one deployment. The engines are never shared, so no
// [Set] contains them.
const (
	MinistackName    = "ministack"
	ControlPlaneName = "moto"
)

// serveMinistack is a Python program that starts ministack.
//
//go:embed ministack/serve.py
var serveMinistack string

// Ministack returns the engine that runs a whole deployment: gateway, tokens, functions
// and queue. The functions send their AWS calls to endpoint. Ministack enforces policies,
// but the access key "test" is allowed to do everything.
func Ministack(endpoint string) Engine {
	e := venv(MinistackName, "1.5.33", "ministack")
	e.command = func(dir, port string) []string {
		return []string{"env", "GATEWAY_PORT=" + port, "BIND_HOST=127.0.0.1", "IOT_MTLS_ENABLED=0", "AUTH=true",
			"AWS_ENDPOINT_URL=" + endpoint, venvPython(dir), "-c", serveMinistack}
	}
	e.ready = get("/_ministack/health")
	return e
}

// DynamoDBOnDisk returns DynamoDB Local with its tables in folder, where they survive a
// restart.
func DynamoDBOnDisk(folder string) Engine {
	for _, e := range All() {
		if e.Name == enginetest.DynamoDBLocal {
			inMemory := e.command
			e.command = func(dir, port string) []string {
				command := inMemory(dir, port)
				at := slices.Index(command, "-inMemory")
				return slices.Replace(command, at, at+1, "-dbPath", folder)
			}
			return e
		}
	}
	panic("engines: no engine is named DynamoDB Local")
}

// ControlPlane returns moto as an engine. The parameter `script` is the Python program
// that starts it. A deployment can be applied to it: its resources then exist, but do
// nothing.
func ControlPlane(script string) Engine {
	for _, e := range All() {
		if e.Name == ControlPlaneName {
			e.command = func(dir, port string) []string {
				return []string{venvPython(dir), script, "-H", "127.0.0.1", "-p", port}
			}
			return e
		}
	}
	panic("engines: no engine is named moto")
}

// Botocore returns the engine whose Python environment contains AWS's models of its
// APIs.
func Botocore() Engine { return ControlPlane("") }

// Checkov returns checkov. It is not an engine, but is fetched like one by
// [Engine.Fetch]. To run checkov, call the environment's bin/python with "-m checkov.main".
func Checkov() Engine {
	return venv("checkov", "3.3.30", "checkov")
}

// Alone fetches and starts e outside of any [Set], and waits until it answers. The
// engine's output goes to the folder logs. If Alone returns an error, nothing needs to be stopped.
// [Unavailable] reports whether the error means that the engine cannot run on this machine.
func (e Engine) Alone(ctx context.Context, repo Repository, logs string) (url string, stop func(), err error) {
	if err := os.MkdirAll(logs, 0o750); err != nil {
		return "", nil, err
	}
	url, p, err := e.bringUp(ctx, repo, logs)
	if err != nil {
		return "", nil, err
	}
	return url, p.stop, nil
}

// Unavailable reports whether err means that this machine cannot run an engine.
func Unavailable(err error) bool {
	_, ok := errors.AsType[*offError](err)
	return ok
}
