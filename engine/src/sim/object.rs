//! Where the object of one key lives: its records and its alarm outlast its lives, and everything else ends with each.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::job::{Money, State};
use domain::picture::PictureKey;
use futures::future::{Either, select};
use tokio::sync::oneshot;

use super::checks;
use super::coverage::Event;
use super::disk::Disk;
use super::executor::ProcessId;
use super::object_port::{ObjectPort, Sheet};
use super::world::World;
use crate::ask::{Answer, Ask};
use crate::generate::{Generation, Loosely};

pub(super) struct Object {
    pub(super) key: PictureKey,
    pub(super) disk: Disk,
    life: RefCell<Option<Life>>,
    pub(super) lives: Cell<u32>,
    /// The number of the alarm that is set. A delivery that carries another number has been replaced.
    alarm: Cell<Option<u64>>,
    alarms_set: Cell<u64>,
    /// An alarm was refused: the rest waits for the next life.
    pub(super) alarm_lost: Cell<bool>,
    /// When this object's records or the store last refused something that it needed.
    pub(super) stumbled_ms: Cell<u64>,
}

struct Life {
    process: ProcessId,
    generation: Rc<Generation<ObjectPort>>,
}

pub(super) type Answered = (Answer, Loosely<Sheet>);

impl Object {
    pub(super) fn new(key: PictureKey) -> Rc<Self> {
        Rc::new(Self {
            key,
            disk: Disk::default(),
            life: RefCell::default(),
            lives: Cell::new(0),
            alarm: Cell::default(),
            alarms_set: Cell::new(0),
            alarm_lost: Cell::new(false),
            stumbled_ms: Cell::new(0),
        })
    }

    fn wake(self: &Rc<Self>, world: &Rc<World>) -> (ProcessId, Rc<Generation<ObjectPort>>) {
        let mut life = self.life.borrow_mut();
        let life = life.get_or_insert_with(|| {
            self.lives.set(self.lives.get() + 1);
            world.journal.note(|| format!("object {}: life {}", world.name(&self.key), self.lives.get()));
            let process = world.executor.process();
            let port = ObjectPort::new(Rc::clone(world), Rc::clone(self), process, self.lives.get());
            Life { process, generation: Generation::new(port, self.key) }
        });
        (life.process, Rc::clone(&life.generation))
    }

    /// The answer leaves only when every write before it is durable: the output gate of the platform.
    pub(super) fn ask(self: &Rc<Self>, world: &Rc<World>, ask: Ask) -> oneshot::Receiver<Answered> {
        let (mut sender, receiver) = oneshot::channel();
        let (process, generation) = self.wake(world);
        if let Ask::Make(order) = &ask
            && self.disk.load().jobs.values().any(|job| job.leader == order.request)
        {
            world.journal.saw(Event::LeaderCameBack);
        }
        let object = Rc::clone(self);
        let gone = world.purges.gone(&self.key);
        let world_too = Rc::clone(world);
        // A caller that leaves sometimes takes the handler with it, and sometimes not.
        let tied = world.rng().one_in(2);
        world.executor.spawn(process, async move {
            let answering = std::pin::pin!(async {
                let answered = generation.ask(ask).await;
                checks::shows_nothing_purged(&world_too, &object, &gone, &answered.0);
                object.disk.all_durable().await;
                answered
            });
            let answered = if tied {
                match select(answering, std::pin::pin!(sender.closed())).await {
                    Either::Left((answered, _)) => answered,
                    Either::Right(_) => return,
                }
            } else {
                answering.await
            };
            drop(sender.send(answered));
        });
        receiver
    }

    pub(super) fn set_alarm(self: &Rc<Self>, world: &Rc<World>, at_ms: u64) {
        self.alarms_set.set(self.alarms_set.get() + 1);
        let number = self.alarms_set.get();
        self.alarm.set(Some(number));
        world.journal.note(|| {
            format!("object {}: alarm {number} in {} ms", world.name(&self.key), at_ms.saturating_sub(world.now_ms()))
        });
        let (object, world_too) = (Rc::clone(self), Rc::clone(world));
        world.executor.spawn(world.process, async move { object.deliver(&world_too, number, at_ms).await });
    }

    /// At least once: again after a crash or an error, and sometimes twice for no reason.
    async fn deliver(self: &Rc<Self>, world: &Rc<World>, number: u64, at_ms: u64) {
        let late_ms = if world.chance(world.faults.alarm_late) { world.rng().between(0, 60_000) } else { 0 };
        world.executor.sleep(at_ms.saturating_sub(world.now_ms()) + late_ms).await;
        let mut again_ms = 2_000;
        let mut tried = false;
        while self.alarm.get() == Some(number) {
            if self.life.borrow().is_none() {
                world.journal.saw(Event::AlarmToNewLife);
            }
            if tried {
                world.journal.saw(Event::AlarmReplayed);
            }
            tried = true;
            world.journal.note(|| format!("object {}: alarm {number} rings", world.name(&self.key)));
            let twice = world.chance(world.faults.alarm_twice);
            let ring = || {
                let (sender, receiver) = oneshot::channel();
                let (process, generation) = self.wake(world);
                let object = Rc::clone(self);
                world.executor.spawn(process, async move {
                    let rung = generation.alarm().await;
                    // That it rang is written down behind everything that it wrote.
                    object.disk.all_durable().await;
                    let _ = sender.send(rung);
                });
                receiver
            };
            let handled = ring();
            if twice {
                world.journal.saw(Event::AlarmReplayed);
                drop(ring());
            }
            if let Ok(Ok(())) = handled.await {
                if self.alarm.get() == Some(number) {
                    self.alarm.set(None);
                }
                return;
            }
            world.executor.sleep(again_ms).await;
            again_ms = (again_ms * 2).min(60_000);
        }
    }

    pub(super) fn is_awake(&self) -> bool {
        self.life.borrow().is_some()
    }

    pub(super) fn crash(&self, world: &World) {
        let Some(life) = self.life.take() else { return };
        // The buffer may have got anywhere.
        let lost = world.rng().below(self.disk.waiting() + 1);
        let kept = self.disk.waiting() - lost;
        if let Err(rule) = self.disk.flush_some(kept) {
            world.journal.broken(rule);
        }
        if lost > 0 {
            world.journal.saw(Event::CrashLostWrites);
        }
        self.disk.crash();
        for job in self.disk.durable().jobs.values() {
            match (job.state, job.money) {
                (State::Claimed, _) => world.journal.saw(Event::CrashWhileClaimed),
                (State::Dispatched, _) => world.journal.saw(Event::CrashWhileDispatched),
                (_, Money::Pending) => world.journal.saw(Event::CrashBeforeSettled),
                _ => {}
            }
        }
        world.journal.note(|| format!("object {}: crash, {lost} writes lost", world.name(&self.key)));
        world.executor.kill(life.process);
    }

    /// Drops what holds the world.
    pub(super) fn clear(&self) {
        self.life.take();
    }
}
