package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/smsqueue/smsqueue/shared/change"
	"github.com/smsqueue/smsqueue/shared/clock"
	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sqlite"
)

// controlName is the name of the socket on which a server takes orders. The socket is in
// the data folder. Only root and the user of the server can connect to it.
const controlName = "control.sock"

// orderTime is the longest time that an order to a running server may take.
const orderTime = 10 * time.Second

// controlPath returns the path of the socket in dir. Operating systems limit the path of
// a socket to about 100 bytes. If the path is longer, controlPath returns a short path
// through the descriptor of dir, which works only on Linux.
func controlPath(dir *os.File) string {
	const longest = 100
	path := filepath.Join(dir.Name(), controlName)
	if len(path) <= longest {
		return path
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), controlName)
}

// control is the socket of a running server.
type control struct {
	dir    *os.File // stays open, because the path of the socket may lead through its descriptor
	socket net.Listener
}

// listenControl opens the socket. It first removes any socket that is in the data folder.
// No other process has the folder open, so a server that was killed must have left this
// socket.
func listenControl(ctx context.Context, folder string) (*control, error) {
	dir, err := os.Open(folder)
	if err != nil {
		return nil, fmt.Errorf("opening the data folder: %w", err)
	}
	path := controlPath(dir)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("removing an old socket: %w", err), dir.Close())
	}
	var listening net.ListenConfig
	socket, err := listening.Listen(ctx, "unix", path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listening on %s in the data folder: %w", controlName, err), dir.Close())
	}
	c := &control{dir, socket}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("making %s private: %w", controlName, err), c.close())
	}
	return c, nil
}

// close removes the socket.
func (c *control) close() error { return errors.Join(c.socket.Close(), c.dir.Close()) }

// serveControl takes orders until ctx ends. If the socket fails or is removed,
// serveControl opens a new one.
func (m *machine) serveControl(ctx context.Context, c *control) {
	for {
		err := m.takeOrders(ctx, c)
		_ = c.close() // the socket may be closed already
		for ctx.Err() == nil && err != nil {
			m.condition.note(ctx, obeying, err)
			m.logger.ErrorContext(ctx, "orders not taken", "error", err)
			pause(ctx, errorPause)
			c, err = listenControl(ctx, m.config.Data)
		}
		if ctx.Err() != nil {
			if err == nil {
				_ = c.close()
			}
			return
		}
		m.condition.note(ctx, obeying, nil)
	}
}

var errRemoved = errors.New("the socket " + controlName + " is no longer in the data folder")

// takeOrders takes orders until ctx ends or the socket no longer works.
func (m *machine) takeOrders(ctx context.Context, c *control) error {
	server := &http.Server{Handler: http.HandlerFunc(m.takeOrder), ReadTimeout: orderTime}
	serving, stop := context.WithCancelCause(ctx)
	context.AfterFunc(serving, func() { _ = server.Close() })
	var looking sync.WaitGroup
	looking.Go(func() {
		repeat(serving, checkInterval, func(context.Context) {
			if _, err := os.Lstat(controlPath(c.dir)); errors.Is(err, os.ErrNotExist) {
				stop(errRemoved)
			}
		})
	})
	defer func() { // the caller closes the folder
		stop(nil)
		looking.Wait()
	}()
	err := server.Serve(c.socket)
	if cause := context.Cause(serving); cause != nil {
		return cause
	}
	return err
}

func (m *machine) takeOrder(w http.ResponseWriter, r *http.Request) {
	var order sms.Order
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 8<<10)).Decode(&order); err != nil {
		http.Error(w, "the order is not readable", http.StatusBadRequest)
		return
	}
	b, err := m.obey(r.Context(), order)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(b) // an error is ignored, because the client may have disconnected
}

// Operate carries out an operator's order on the data folder dir, and returns the new
// breaker. A running server carries out the order itself, so that it takes effect at
// once. If no server runs, Operate writes the order to the folder, and the next server
// obeys it.
func Operate(ctx context.Context, dir string, order sms.Order) (sms.Breaker, error) {
	if err := order.Check(); err != nil {
		return sms.Breaker{}, err
	}
	// sqlite.Open would create a missing folder.
	if _, err := os.Stat(filepath.Join(dir, "messages.db")); err != nil {
		return sms.Breaker{}, fmt.Errorf("there is no data folder of a server: %w", err)
	}
	db, err := sqlite.Open(dir, sqlite.Options{Now: clock.Now})
	if inUse, ok := errors.AsType[*sqlite.InUseError](err); ok {
		return tell(ctx, dir, order, inUse)
	}
	if err != nil {
		return sms.Breaker{}, err
	}
	b, err := change.Operate(ctx, db, order, clock.Now())
	return b, errors.Join(err, db.Close())
}

// tell gives an order to the server that has the folder open.
func tell(ctx context.Context, dir string, order sms.Order, inUse error) (b sms.Breaker, err error) {
	ctx, cancel := context.WithTimeout(ctx, orderTime)
	defer cancel()
	folder, err := os.Open(dir)
	if err != nil {
		return b, fmt.Errorf("opening the data folder: %w", err)
	}
	defer func() { _ = folder.Close() }() // nothing is written to the folder through this descriptor
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", controlPath(folder))
		},
	}}
	body, err := json.Marshal(order)
	if err != nil {
		return b, fmt.Errorf("encoding the order: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+controlName, bytes.NewReader(body))
	if err != nil {
		return b, err
	}
	response, err := client.Do(r)
	if err != nil {
		return b, fmt.Errorf("%w, which takes no orders: %w", inUse, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return b, fmt.Errorf("the server answered: %s", bytes.TrimSpace(reason))
	}
	if err := json.NewDecoder(response.Body).Decode(&b); err != nil {
		return b, fmt.Errorf("reading the server's answer: %w", err)
	}
	return b, nil
}
