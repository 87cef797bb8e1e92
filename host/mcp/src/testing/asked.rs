//! Open questions of the backend for tests: as the real one keeps them, in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Instant,
};

use portcullis_backend::{Answered, KeptQuestion, NotKept, NotOpened, OpenQuestions};
use portcullis_manifest::PrincipalKey;
use uuid::Uuid;

#[derive(Default)]
pub(crate) struct Asked {
    kept: Mutex<BTreeMap<Uuid, Row>>,
    /// It can't keep anything now.
    pub(crate) broken: AtomicBool,
    /// How often it was asked what was answered.
    pub(crate) looks: AtomicUsize,
}

struct Row {
    question: KeptQuestion,
    principal: PrincipalKey,
    request: [u8; 32],
    until: Instant,
}

impl Asked {
    /// How many it has, answered or not.
    pub(crate) fn many(&self) -> usize {
        self.kept.lock().unwrap().len()
    }

    /// How many of them are answered.
    pub(crate) fn answered(&self) -> usize {
        self.kept.lock().unwrap().values().filter(|row| row.question.answer.is_some()).count()
    }

    /// The time of all of them is over.
    pub(crate) fn expire(&self) {
        self.kept.lock().unwrap().values_mut().for_each(|row| row.until = Instant::now());
    }

    /// Those whose time is not over.
    fn rows(&self) -> Result<MutexGuard<'_, BTreeMap<Uuid, Row>>, NotKept> {
        if self.broken.load(SeqCst) {
            return Err(NotKept("the disk is full".to_owned()));
        }
        let mut kept = self.kept.lock().unwrap();
        kept.retain(|_, row| Instant::now() < row.until);
        Ok(kept)
    }

    pub(super) fn open(&self, new: OpenQuestions) -> Result<(), NotOpened> {
        let mut rows = self.rows()?;
        if rows.len() + new.questions.len() > new.in_all {
            return Err(NotOpened::InAll);
        }
        let own = rows.values().filter(|row| row.principal == new.principal).count();
        if own + new.questions.len() > new.per_principal {
            return Err(NotOpened::Principal);
        }
        for (id, kind) in new.questions {
            let question = KeptQuestion { id, holder: new.holder.clone(), kind, answer: None };
            let (principal, until) = (new.principal.clone(), Instant::now() + new.time);
            rows.insert(id, Row { question, principal, request: new.request, until });
        }
        Ok(())
    }

    pub(super) fn kept(&self, ids: &[Uuid]) -> Result<Vec<KeptQuestion>, NotKept> {
        self.looks.fetch_add(1, SeqCst);
        let rows = self.rows()?;
        Ok(ids.iter().filter_map(|id| rows.get(id)).map(|row| row.question.clone()).collect())
    }

    /// None: a claim.
    pub(super) fn answer(&self, holder: &str, id: Uuid, answer: Option<Answered>) -> Result<bool, NotKept> {
        let mut rows = self.rows()?;
        let open = rows.get_mut(&id).filter(|row| row.question.holder == holder && row.question.answer.is_none());
        let Some(row) = open else { return Ok(false) };
        match answer {
            Some(answer) => row.question.answer = Some(answer),
            None => drop(rows.remove(&id)),
        }
        Ok(true)
    }

    pub(super) fn cancel(&self, principal: &PrincipalKey, holder: &str, request: [u8; 32]) -> Result<(), NotKept> {
        let mut rows = self.rows()?;
        let of =
            |row: &&mut Row| row.principal == *principal && row.question.holder == holder && row.request == request;
        for row in rows.values_mut().filter(of) {
            row.question.answer.get_or_insert(Answered::Cancelled);
        }
        Ok(())
    }

    pub(super) fn close(&self, ids: &[Uuid]) -> Result<(), NotKept> {
        let mut rows = self.rows()?;
        ids.iter().for_each(|id| drop(rows.remove(id)));
        Ok(())
    }
}
