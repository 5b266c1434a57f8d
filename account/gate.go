package account

import (
	"container/list"
	"context"
	"sync"
)

// gate admits work that costs memory: as much at once as workers and memory allow, the rest in a first-come queue of bounded
// length. Whoever finds the queue full is refused at once, so that overload stays short instead of growing.
type gate struct {
	mu      sync.Mutex
	workers int   // free workers
	memory  int64 // free memory, KiB
	queue   int   // longest queue
	waiting list.List
}

type waiter struct {
	memory int64
	ready  chan struct{} // closed on admission
}

func newGate(workers int, memory int64, queue int) *gate {
	return &gate{workers: workers, memory: memory, queue: queue}
}

// enter waits for admission. The caller must call leave with the same memory afterwards, unless enter failed.
func (g *gate) enter(ctx context.Context, memory int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	if g.waiting.Len() == 0 && g.fits(memory) {
		g.take(memory)
		g.mu.Unlock()
		return nil
	}
	if g.waiting.Len() >= g.queue {
		g.mu.Unlock()
		return ErrBusy
	}
	w := waiter{memory: memory, ready: make(chan struct{})}
	place := g.waiting.PushBack(w)
	g.mu.Unlock()

	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-w.ready: // admitted in the same instant: pass the place on
		g.release(memory)
	default:
		g.waiting.Remove(place)
		g.admit() // the one that left may have held up smaller ones
	}
	return ctx.Err()
}

// leave ends admitted work.
func (g *gate) leave(memory int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.release(memory)
}

func (g *gate) fits(memory int64) bool { return g.workers > 0 && g.memory >= memory }

func (g *gate) take(memory int64) {
	g.workers--
	g.memory -= memory
}

func (g *gate) release(memory int64) {
	g.workers++
	g.memory += memory
	g.admit()
}

// admit lets in from the head of the queue as long as there is room. It never overtakes: a large one at the head is not starved.
func (g *gate) admit() {
	for head := g.waiting.Front(); head != nil; head = g.waiting.Front() {
		w := head.Value.(waiter)
		if !g.fits(w.memory) {
			return
		}
		g.waiting.Remove(head)
		g.take(w.memory)
		close(w.ready)
	}
}
