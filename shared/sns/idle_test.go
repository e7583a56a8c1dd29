//go:build unix

package sns_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/smsqueue/smsqueue/shared/enginetest"
	"github.com/smsqueue/smsqueue/shared/faultproxy"
	"github.com/smsqueue/smsqueue/shared/sns"
)

// handOvers is the number of hand-overs after the connections were lost.
const handOvers = 50

// The control must lose at least this many hand-overs. It need not lose all of them,
// because the SDK sometimes closes a connection when the answer comes very soon.
const minUnanswered = handOvers / 2

// clients contains our client and a control, which uses the SDK's own connections.
var clients = map[string]func(aws.Config) *awssns.Client{
	"ours": sns.NewClient,
	"the SDK's": func(cfg aws.Config) *awssns.Client {
		return awssns.NewFromConfig(cfg, func(o *awssns.Options) { o.RetryMaxAttempts = 1 })
	},
}

// The peer loses all connections while the process is stopped.
func TestAFreezeLosesNoHandOver(t *testing.T) {
	t.Run("the peer forgets connections", func(t *testing.T) {
		t.Parallel()
		for client := range clients {
			t.Run(client, func(t *testing.T) {
				t.Parallel()
				peer := faultproxy.NewPeer(t, takeAll(t, nil).URL)
				c := startChild(t, client, peer.URL())
				if n := c.handOver(t); n != 0 {
					t.Fatalf("%d of %d hand-overs on new connections ended without an answer", n, handOvers)
				}
				c.freeze(t, peer.Forget)
				checkLost(t, client, c.handOver(t))
			})
		}
	})
	// There is no control here, because it is random how many hand-overs the SDK's
	// connections lose.
	t.Run("the peer closes connections", func(t *testing.T) {
		t.Parallel()
		closed := make(chan struct{}, 3*handOvers)
		peer := takeAll(t, func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				closed <- struct{}{}
			}
		})
		c := startChild(t, "ours", peer.URL)
		if n := c.handOver(t); n != 0 {
			t.Fatalf("%d of %d hand-overs on new connections ended without an answer", n, handOvers)
		}
		c.freeze(t, func() {
			for range handOvers {
				<-closed
			}
		})
		checkLost(t, "ours", c.handOver(t))
	})
}

func checkLost(t *testing.T, client string, unanswered int) {
	t.Helper()
	switch {
	case client == "ours" && unanswered != 0:
		t.Errorf("%d of %d hand-overs ended without an answer, want 0", unanswered, handOvers)
	case client != "ours" && unanswered < minUnanswered:
		t.Errorf("only %d of %d hand-overs of the control ended without an answer, want at least %d", unanswered, handOvers, minUnanswered)
	}
}

// The peer forgets each connection within a second. This is sooner than the limit of the idle time, so only
// CloseIdle prevents hand-overs without an answer.
func TestAPeerThatForgetsLosesNoHandOver(t *testing.T) {
	for client := range clients {
		t.Run(client, func(t *testing.T) {
			peer := faultproxy.NewPeer(t, takeAll(t, nil).URL)
			provider := sns.New(clients[client](enginetest.Config(t, peer.URL())))
			unanswered := 0
			for range handOvers {
				if _, err := provider.HandOver(t.Context(), message); err != nil {
					t.Fatalf("a hand-over on a new connection: %v", err)
				}
				peer.Forget()
				provider.CloseIdle()
				if _, err := provider.HandOver(t.Context(), message); err != nil {
					unanswered++
				}
			}
			checkLost(t, client, unanswered)
		})
	}
}

// takeAll starts a server that takes every message. If the parameter `connState` is not
// nil, the server also closes idle connections after 100 ms.
func takeAll(t *testing.T, connState func(net.Conn, http.ConnState)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, taken("sns-1"))
	}))
	if connState != nil {
		server.Config.ConnState, server.Config.IdleTimeout = connState, 100*time.Millisecond
	}
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// envChild turns this program into a child. Its value is a client's name and the URL of the
// peer.
const envChild = "SNS_TEST_CHILD"

func TestMain(m *testing.M) {
	if client, url, ok := strings.Cut(os.Getenv(envChild), " at "); ok {
		handOverOnDemand(clients[client], url)
		return
	}
	os.Exit(m.Run())
}

// For each line of input, handOverOnDemand hands over a message on each connection, and
// prints the number of hand-overs that got no answer.
func handOverOnDemand(newClient func(aws.Config) *awssns.Client, url string) {
	providers := make([]*sns.Provider, handOvers)
	for i := range providers {
		providers[i] = sns.New(newClient(aws.Config{
			Region: "us-east-1", BaseEndpoint: &url,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		}))
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var unanswered atomic.Int32
		var group sync.WaitGroup
		for _, p := range providers {
			group.Go(func() {
				if _, err := p.HandOver(context.Background(), message); err != nil {
					unanswered.Add(1)
				}
			})
		}
		group.Wait()
		fmt.Println(unanswered.Load())
	}
}

type child struct {
	process *os.Process
	orders  io.Writer
	results *bufio.Reader
}

func startChild(t *testing.T, client, url string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+client+" at "+url)
	cmd.Stderr = os.Stderr
	orders, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	results, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error means that it has already ended
		_ = cmd.Wait()         // it does not matter how the process ended
	})
	return &child{cmd.Process, orders, bufio.NewReader(results)}
}

// handOver makes the child hand over messages, and returns the number of hand-overs that
// got no answer. If the child is frozen, handOver first thaws it.
func (c *child) handOver(t *testing.T) int {
	t.Helper()
	if _, err := io.WriteString(c.orders, "\n"); err != nil {
		t.Fatal(err)
	}
	c.signal(t, syscall.SIGCONT)
	line, err := c.results.ReadString('\n')
	if err != nil {
		t.Fatalf("reading the child's result: %v", err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// freeze stops the child for longer than its connections are allowed to be idle.
// Meanwhile, it calls the given function.
func (c *child) freeze(t *testing.T, lose func()) {
	t.Helper()
	c.signal(t, syscall.SIGSTOP)
	long := time.After(1100 * time.Millisecond)
	lose()
	<-long
}

func (c *child) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := c.process.Signal(s); err != nil {
		t.Fatal(err)
	}
}
