//! Questions that wait for an answer.

use super::*;
use crate::{ANSWER_BYTES, ANSWER_BYTES_PER_PRINCIPAL, ANSWERS_BYTES, NewQuestions, QuestionEntry, QuestionsRefused};

const NOW: i64 = 1_700_000_000_000;

fn opened() -> (Opened, Arc<ByHand>) {
    let time = ByHand::at(NOW);
    (open_at(tempfile::tempdir().unwrap(), time.clone()), time)
}

/// Questions of the holder `HOLDER:PRINCIPAL`, open for a second.
fn questions(principal: &str, ids: std::ops::RangeInclusive<u8>) -> NewQuestions {
    NewQuestions {
        principal: principal.to_owned(),
        holder: format!("one:{principal}"),
        request: [1; 32],
        questions: ids.map(|id| ([id; 16], "form".to_owned())).collect(),
        expires_at: NOW + 1000,
        per_principal: 16,
        in_all: 1024,
    }
}

async fn answer(at: &Opened, holder: &str, id: u8, answer: &[u8]) -> bool {
    at.store.question_answer(holder.to_owned(), [id; 16], answer.to_vec()).await.unwrap()
}

async fn claim(at: &Opened, holder: &str, id: u8) -> bool {
    at.store.question_claim(holder.to_owned(), [id; 16]).await.unwrap()
}

/// What was answered; none, when the question is not there.
async fn answered(at: &Opened, id: u8) -> Option<Option<Vec<u8>>> {
    let mut found = at.store.questions(vec![[id; 16]]).await.unwrap();
    found.pop().map(|question| question.answer)
}

/// Fails without `answer IS NULL` where an answer is kept and where a question is claimed: then a second answer would take the place
/// of the first, or be given to the call beside it.
#[test]
fn mc_11_the_first_answer_holds_whichever_process_takes_it() {
    let (at, time) = opened();
    let runtime = runtime();
    runtime.block_on(async {
        at.store.questions_put(questions("ann", 1..=3)).await.unwrap();
        assert!(answer(&at, "one:ann", 1, b"first").await);
        assert!(!answer(&at, "one:ann", 1, b"second").await);
        assert!(!claim(&at, "one:ann", 1).await);
        assert!(claim(&at, "one:ann", 2).await);
        assert!(!claim(&at, "one:ann", 2).await);
        assert!(!answer(&at, "one:ann", 2, b"late").await);
        // Of many at once, one.
        let many = (0..20).map(|nth| {
            let store = at.store.clone();
            tokio::spawn(async move {
                let holder = "one:ann".to_owned();
                if nth % 2 == 0 {
                    store.question_claim(holder, [3; 16]).await.unwrap()
                } else {
                    store.question_answer(holder, [3; 16], vec![nth]).await.unwrap()
                }
            })
        });
        let mut taken = 0;
        for one in many.collect::<Vec<_>>() {
            taken += u32::from(one.await.unwrap());
        }
        assert_eq!(taken, 1);
    });
    // And the database says so itself.
    let changed = database(&at).execute("UPDATE question SET answer = x'00' WHERE id = zeroblob(16) OR 1", []);
    assert_eq!(changed.unwrap_err().to_string(), "the first answer holds");
    let at = at.reopened(time);
    let first = QuestionEntry {
        id: [1; 16],
        holder: "one:ann".to_owned(),
        kind: "form".to_owned(),
        answer: Some(b"first".to_vec()),
    };
    assert_eq!(runtime.block_on(at.store.questions(vec![[1; 16]])), Ok(vec![first]));
}

/// Fails without `holder` in what finds the question to answer, to claim and to cancel.
#[test]
fn au_08_a_question_is_its_holders_alone() {
    let (at, _) = opened();
    runtime().block_on(async {
        at.store.questions_put(questions("ann", 1..=2)).await.unwrap();
        for stranger in ["one:bob", "two:ann", "ann", "", "one:ann "] {
            assert!(!answer(&at, stranger, 1, b"evil").await, "{stranger}");
            assert!(!claim(&at, stranger, 1).await, "{stranger}");
            at.store.questions_cancel("ann".to_owned(), stranger.to_owned(), [1; 32]).await.unwrap();
        }
        at.store.questions_cancel("ann".to_owned(), "one:ann".to_owned(), [2; 32]).await.unwrap();
        assert_eq!(answered(&at, 1).await, Some(None), "it is open");
        assert!(answer(&at, "one:ann", 1, b"hers").await);
        at.store.questions_cancel("ann".to_owned(), "one:ann".to_owned(), [1; 32]).await.unwrap();
        assert_eq!(answered(&at, 1).await, Some(Some(b"hers".to_vec())), "an answer holds");
        assert_eq!(answered(&at, 2).await, Some(Some(Vec::new())), "given up");
    });
}

/// Fails without `expires_at` in what finds the question, or without the sweep: then what a person has answered would be kept.
#[test]
fn st_40_a_question_that_has_expired_is_open_to_nobody_and_its_answer_is_removed() {
    let (at, time) = opened();
    runtime().block_on(async {
        at.store.questions_put(questions("ann", 1..=2)).await.unwrap();
        at.store.questions_put(NewQuestions { expires_at: NOW + 9000, ..questions("bob", 3..=3) }).await.unwrap();
        assert!(answer(&at, "one:ann", 1, b"private").await);
        time.pass(1000);
        assert_eq!((answered(&at, 1).await, answered(&at, 2).await), (None, None));
        assert!(!answer(&at, "one:ann", 2, b"late").await);
        assert!(!claim(&at, "one:ann", 2).await);
        assert_eq!(answered(&at, 3).await, Some(None));
    });
    super::super::housekeeper::purge_all(&at.store.writer, &at.store.clock);
    assert_eq!(at.number("SELECT count(*) FROM question"), 1);
    runtime().block_on(async {
        assert!(answer(&at, "one:bob", 3, b"private").await);
        at.store.questions_remove(vec![[3; 16], [9; 16]]).await.unwrap();
    });
    assert_eq!(at.number("SELECT count(*) FROM question"), 0, "taken");
}

/// Fails without the numbers in the transaction that opens questions, or when what has expired still counts.
#[test]
fn mc_09_questions_are_bounded_for_each_principal_and_in_all_where_they_are_opened() {
    let (at, time) = opened();
    runtime().block_on(async {
        let put = async |principal: &str, ids: std::ops::RangeInclusive<u8>| {
            let new = NewQuestions { per_principal: 2, in_all: 3, ..questions(principal, ids) };
            at.store.questions_put(new).await
        };
        assert_eq!(put("ann", 1..=3).await, Err(QuestionsRefused::Principal));
        assert_eq!(answered(&at, 1).await, None, "all or none");
        put("ann", 1..=2).await.unwrap();
        assert_eq!(put("ann", 3..=3).await, Err(QuestionsRefused::Principal));
        put("bob", 3..=3).await.unwrap();
        assert_eq!(put("eve", 4..=4).await, Err(QuestionsRefused::All));
        assert!(claim(&at, "one:bob", 3).await);
        put("eve", 4..=4).await.unwrap();
        time.pass(1000);
        let later = |new: NewQuestions| NewQuestions { expires_at: NOW + 2000, ..new };
        let new = NewQuestions { per_principal: 3, in_all: 3, ..later(questions("eve", 5..=7)) };
        at.store.questions_put(new).await.unwrap();
    });
    assert_eq!(at.number("SELECT count(*) FROM question"), 3);
}

/// Fails without the sums over answers: sixteen questions with an answer of a whole body each, of each principal.
#[test]
fn mc_09_answers_that_wait_are_bounded_each_for_a_principal_and_in_all() {
    let (at, _) = opened();
    runtime().block_on(async {
        let large = async |principal: &str, id: u8, bytes: u64| {
            let holder = format!("one:{principal}");
            at.store.question_answer(holder, [id; 16], vec![b'x'; bytes as usize]).await
        };
        let each = ANSWER_BYTES_PER_PRINCIPAL / ANSWER_BYTES;
        let principals = ANSWERS_BYTES / ANSWER_BYTES_PER_PRINCIPAL;
        for nth in 0..principals {
            let (principal, from) = (format!("p{nth}"), 1 + (nth * 8) as u8);
            at.store.questions_put(questions(&principal, from..=from + 7)).await.unwrap();
            assert!(large(&principal, from, ANSWER_BYTES + 1).await.is_err());
            for question in 0..each {
                assert_eq!(large(&principal, from + question as u8, ANSWER_BYTES).await, Ok(true));
            }
            assert!(large(&principal, from + each as u8, 1).await.is_err(), "of one");
        }
        at.store.questions_put(questions("last", 200..=200)).await.unwrap();
        assert!(large("last", 200, 1).await.is_err(), "of all");
        assert_eq!(answered(&at, 200).await, Some(None), "it is still open");
        at.store.questions_remove(vec![[1; 16]]).await.unwrap();
        assert_eq!(large("last", 200, 1).await, Ok(true));
    });
}
