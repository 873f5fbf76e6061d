//! A virtual clock, and one thread that polls whichever ready task the seed picks.
//!
//! A task belongs to a process. A process that is killed loses its tasks at once, wherever they wait; what they held is
//! dropped, so that whoever waits for them learns of it. Time passes only when no task is ready.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::rng::Rng;

pub(super) type ProcessId = u32;
pub(super) type TaskId = usize;

pub(super) struct Executor {
    pub(super) rng: Rng,
    now_ms: Cell<u64>,
    tasks: RefCell<Vec<Option<Task>>>,
    ready: RefCell<Vec<TaskId>>,
    woken: Arc<Mutex<Vec<TaskId>>>,
    timers: RefCell<BTreeMap<(u64, u64), Waker>>,
    timers_made: Cell<u64>,
    processes_made: Cell<ProcessId>,
}

struct Task {
    process: ProcessId,
    /// Absent while it is being polled.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    waker: Waker,
    ready: bool,
}

struct Bell {
    task: TaskId,
    woken: Arc<Mutex<Vec<TaskId>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap().push(self.task);
    }
}

impl Executor {
    pub(super) fn new(rng: Rng, start_ms: u64) -> Rc<Self> {
        Rc::new(Self {
            rng,
            now_ms: Cell::new(start_ms),
            tasks: RefCell::default(),
            ready: RefCell::default(),
            woken: Arc::default(),
            timers: RefCell::default(),
            timers_made: Cell::new(0),
            processes_made: Cell::new(0),
        })
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    pub(super) fn process(&self) -> ProcessId {
        self.processes_made.set(self.processes_made.get() + 1);
        self.processes_made.get()
    }

    pub(super) fn spawn(&self, process: ProcessId, future: impl Future<Output = ()> + 'static) -> TaskId {
        let mut tasks = self.tasks.borrow_mut();
        let task = tasks.len();
        let waker = Waker::from(Arc::new(Bell { task, woken: Arc::clone(&self.woken) }));
        tasks.push(Some(Task { process, future: Some(Box::pin(future)), waker, ready: true }));
        self.ready.borrow_mut().push(task);
        task
    }

    /// Ends a task. Not for the task that is being polled.
    pub(super) fn cancel(&self, task: TaskId) -> bool {
        // Taken out first: what is dropped may wake others.
        let gone = self.tasks.borrow_mut()[task].take();
        gone.is_some()
    }

    pub(super) fn kill(&self, process: ProcessId) {
        let mut gone = Vec::new();
        for slot in self.tasks.borrow_mut().iter_mut() {
            if slot.as_ref().is_some_and(|task| task.process == process) {
                gone.extend(slot.take());
            }
        }
        drop(gone);
    }

    pub(super) fn alive(&self) -> usize {
        self.tasks.borrow().iter().flatten().count()
    }

    /// Polls one ready task, or lets time pass until one is. False when nothing will ever happen again.
    pub(super) fn step(&self) -> bool {
        self.collect();
        loop {
            let picked = {
                let mut ready = self.ready.borrow_mut();
                let at = self.rng.below(ready.len());
                if ready.is_empty() { None } else { Some(ready.swap_remove(at)) }
            };
            let Some(id) = picked else { return self.pass_time() };
            if self.poll(id) {
                return true;
            }
        }
    }

    fn poll(&self, id: TaskId) -> bool {
        let taken = self.tasks.borrow_mut()[id].as_mut().and_then(|task| {
            task.ready = false;
            Some((task.future.take()?, task.waker.clone()))
        });
        let Some((mut future, waker)) = taken else { return false };
        let done = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut tasks = self.tasks.borrow_mut();
        let gone = match &mut tasks[id] {
            Some(task) if !done => {
                task.future = Some(future);
                return true;
            }
            slot => (slot.take(), future),
        };
        drop(tasks);
        drop(gone);
        true
    }

    /// In the order of their numbers: in which order a library wakes those who wait must not decide anything.
    fn collect(&self) {
        let mut woken = std::mem::take(&mut *self.woken.lock().unwrap());
        woken.sort_unstable();
        let mut tasks = self.tasks.borrow_mut();
        for id in woken {
            if let Some(task) = &mut tasks[id]
                && !task.ready
            {
                task.ready = true;
                self.ready.borrow_mut().push(id);
            }
        }
    }

    fn pass_time(&self) -> bool {
        let mut timers = self.timers.borrow_mut();
        let Some((&(at_ms, _), _)) = timers.first_key_value() else { return false };
        self.now_ms.set(self.now_ms().max(at_ms));
        while let Some(entry) = timers.first_entry()
            && entry.key().0 <= at_ms
        {
            entry.remove().wake();
        }
        true
    }

    pub(super) fn sleep(self: &Rc<Self>, ms: u64) -> Sleep {
        Sleep { executor: Rc::clone(self), at_ms: self.now_ms().saturating_add(ms), key: None }
    }

    /// Drops every task: they hold the world that holds them.
    pub(super) fn clear(&self) {
        let gone = std::mem::take(&mut *self.tasks.borrow_mut());
        drop(gone);
    }
}

/// Ends at its time. Time does not wait for a sleep that was dropped.
pub(super) struct Sleep {
    executor: Rc<Executor>,
    at_ms: u64,
    key: Option<(u64, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.executor.now_ms() >= self.at_ms {
            return Poll::Ready(());
        }
        let number = self.executor.timers_made.get();
        let key = self.key.unwrap_or((self.at_ms, number));
        self.executor.timers_made.set(number + 1);
        self.executor.timers.borrow_mut().insert(key, context.waker().clone());
        self.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.executor.timers.borrow_mut().remove(&key);
        }
    }
}

/// Tells whoever waits that something changed.
#[derive(Default)]
pub(super) struct Signal(RefCell<Vec<Waker>>);

impl Signal {
    pub(super) fn ring(&self) {
        for waker in self.0.take() {
            waker.wake();
        }
    }

    pub(super) async fn until(&self, done: impl Fn() -> bool) {
        poll_fn(|context| {
            if done() {
                return Poll::Ready(());
            }
            self.0.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
