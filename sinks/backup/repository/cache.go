package repository

import (
	"container/list"
	"sync"
)

// cache keeps immutable objects by name, the least recently used go first.
type cache struct {
	mu    sync.Mutex
	room  int
	order *list.List // of *cached, newest first
	items map[string]*list.Element
}

type cached struct {
	name string
	body []byte
}

func newCache(room int) *cache {
	return &cache{room: room, order: list.New(), items: map[string]*list.Element{}}
}

func (c *cache) get(name string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[name]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).body, true
}

func (c *cache) put(name string, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.items[name]; ok || len(body) > c.room/4 {
		return
	}
	c.items[name] = c.order.PushFront(&cached{name, body})
	for c.room -= len(body); c.room < 0; {
		last := c.order.Back()
		c.drop(last)
	}
}

// forget drops what was deleted.
func (c *cache) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[name]; ok {
		c.drop(e)
	}
}

func (c *cache) drop(e *list.Element) {
	old := c.order.Remove(e).(*cached)
	delete(c.items, old.name)
	c.room += len(old.body)
}
