// Package enginetest gives a test the address of the engine it needs, and records
// on the test which engine that is. The engines are DynamoDB Local, ElasticMQ and
// moto. `make test` starts each once and puts its address into the environment of
// all tests. The package also makes the table that records need. Only tests import
// it.
//
// All tests of a run share the engines, so each test makes tables and queues with
// fresh names and uses phone numbers of its own.
package enginetest

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Attr is the key of the test attribute ([testing.T.Attr]) that names an engine on
// which the test runs. A sub-test inherits its parents' engines. A test that needs
// several engines has the attribute several times.
const Attr = "engine"

// Environment variables with the engines' URLs. The value of an engine that does not
// run is [Off] and the reason.
const (
	EnvDynamoDB = "SMSQUEUE_TEST_DYNAMODB"
	EnvSQS      = "SMSQUEUE_TEST_SQS"
	EnvMoto     = "SMSQUEUE_TEST_MOTO"

	// Off precedes the reason why an engine does not run.
	Off = "off: "
)

// Values of the attribute [Attr].
const (
	DynamoDBLocal = "dynamodb-local"
	ElasticMQ     = "elasticmq"
	Moto          = "moto"
	SQLiteEngine  = "sqlite"
)

// DynamoDB returns the URL of DynamoDB Local. If it does not run, the test is
// skipped with the reason. In CI (CI=true) a missing address fails the test.
func DynamoDB(t testing.TB) string {
	t.Helper()
	return engine(t, DynamoDBLocal, EnvDynamoDB)
}

// SQS returns the URL of ElasticMQ. If that does not run, the test ends as in
// [DynamoDB].
func SQS(t testing.TB) string {
	t.Helper()
	return engine(t, ElasticMQ, EnvSQS)
}

// SNS returns the URL of moto. If that does not run, the test ends as in
// [DynamoDB].
func SNS(t testing.TB) string {
	t.Helper()
	return engine(t, Moto, EnvMoto)
}

// SQLite records that the test runs on SQLite, which is always there.
func SQLite(t testing.TB) {
	t.Helper()
	t.Attr(Attr, SQLiteEngine)
}

// Config returns a configuration for SDK clients of the engine at url. Clients made
// from it cannot reach AWS: the credentials are invented, and url is the endpoint of
// every service.
func Config(t testing.TB, url string) aws.Config {
	t.Helper()
	if url == "" {
		t.Fatal("enginetest.Config needs the URL of an engine")
	}
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// Tool returns the path of the program name. Without the program the test is
// skipped; hint says how to get it.
func Tool(t testing.TB, name, hint string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Lack(t, name+" is not installed: "+hint)
	}
	return path
}

// Lack skips a test that cannot run; in CI it fails the test.
func Lack(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

func engine(t testing.TB, name, env string) string {
	t.Helper()
	t.Attr(Attr, name)
	url := os.Getenv(env)
	if reason, off := strings.CutPrefix(url, Off); off {
		t.Skip(reason)
	}
	if url == "" {
		Lack(t, name+" is not running: run `make test`, which starts it")
	}
	return url
}
