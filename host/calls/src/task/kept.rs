//! What the store keeps of a task, as JSON. It never leaves the host in this form.

use std::collections::BTreeMap;

use portcullis_backend::{Answer, Ask, Asking, CallRequest, Hints, Question, Reply, Resume, Target, ToolAnswer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A task that waits for replies: what it asks, what was replied so far, and the call that goes on then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Waiting {
    tool: String,
    arguments: Map<String, Value>,
    hints: Hints,
    /// Sealed: [`Ask::state`]. It stays here.
    state: String,
    /// How many rounds there were, this one included.
    pub(super) round: u32,
    /// With the keys that clients see.
    questions: Vec<Question>,
    replies: BTreeMap<String, Replied>,
}

/// [`Reply`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Replied {
    Accepted(Map<String, Value>),
    Declined,
    Cancelled,
}

impl Waiting {
    pub(super) fn new(request: &CallRequest, ask: Ask, round: u32) -> Option<Self> {
        let Target::Tool { name, arguments } = &request.target else { return None };
        let Ask { questions, state } = ask;
        // A key stands for one question in all the life of a task; a tool may use one again. Its own have no dot.
        let shown = |question: Question| Question { key: format!("{round}.{}", question.key), ..question };
        Some(Self {
            tool: name.clone(),
            arguments: arguments.clone(),
            hints: request.hints.clone(),
            state,
            round,
            questions: questions.into_iter().map(shown).collect(),
            replies: BTreeMap::new(),
        })
    }

    /// What it asks still.
    pub(super) fn open(&self) -> impl Iterator<Item = &Question> {
        self.questions.iter().filter(|question| !self.replies.contains_key(&question.key))
    }

    /// Takes those that reply to what is asked. Whether any did.
    pub(super) fn take(&mut self, replies: &BTreeMap<String, Reply>) -> bool {
        let open: Vec<_> = self.open().map(|question| question.key.clone()).collect();
        let taken = open.into_iter().filter_map(|key| replies.get(&key).map(|reply| (key, Replied::from(reply))));
        let taken: Vec<_> = taken.collect();
        let any = !taken.is_empty();
        self.replies.extend(taken);
        any
    }

    /// The call as it goes on. `asking` is what its client can be asked now.
    pub(super) fn resumed(self, principal: &portcullis_manifest::Principal, asking: Asking) -> CallRequest {
        let Self { tool, arguments, hints, state, replies, .. } = self;
        let target = Target::Tool { name: tool, arguments };
        let own = |key: String| key.split_once('.').map_or(key.clone(), |(_, own)| own.to_owned());
        let replies = replies.into_iter().map(|(key, reply)| (own(key), reply.into())).collect();
        CallRequest {
            hints,
            asking,
            tasks: true,
            resume: Some(Resume { state, replies }),
            ..CallRequest::new(Uuid::now_v7(), principal.clone(), target)
        }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has a JSON form")
    }
}

/// What a task has come to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Done(ToolAnswer);

impl Done {
    /// None: a task's answer is a tool's.
    pub(super) fn of(answer: Answer) -> Option<Self> {
        if let Answer::Tool(answer) = answer { Some(Self(answer)) } else { None }
    }

    pub(super) fn answer(self) -> Answer {
        Answer::Tool(self.0)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has a JSON form")
    }
}

impl From<&Reply> for Replied {
    fn from(reply: &Reply) -> Self {
        match reply {
            Reply::Accepted(content) => Self::Accepted(content.clone()),
            Reply::Declined => Self::Declined,
            Reply::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Replied> for Reply {
    fn from(reply: Replied) -> Self {
        match reply {
            Replied::Accepted(content) => Self::Accepted(content),
            Replied::Declined => Self::Declined,
            Replied::Cancelled => Self::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_backend::QuestionKind;
    use portcullis_manifest::Principal;
    use serde_json::json;

    use super::*;

    fn request(arguments: Value) -> CallRequest {
        let Value::Object(arguments) = arguments else { panic!("an object") };
        let target = Target::Tool { name: "p_t".to_owned(), arguments };
        let hints = Hints { locale: Some("de-CH".to_owned()), ..Hints::default() };
        CallRequest { hints, ..CallRequest::new(Uuid::now_v7(), Principal::local(), target) }
    }

    fn ask(keys: &[&str]) -> Ask {
        let question = |key: &&str| Question { key: (*key).to_owned(), kind: QuestionKind::Roots };
        Ask { questions: keys.iter().map(question).collect(), state: "sealed".to_owned() }
    }

    fn again(waiting: &Waiting) -> Waiting {
        serde_json::from_slice(&waiting.write()).unwrap()
    }

    fn keys(waiting: &Waiting) -> Vec<&str> {
        waiting.open().map(|question| &*question.key).collect()
    }

    #[test]
    fn a_call_goes_on_with_exactly_the_arguments_that_it_began_with() {
        // 5e-324 and its neighbours, a double that serde_json reads wrongly by default, edges of integers, order of members.
        let arguments = json!({ "z": [5e-324, 1.0715086071862673e301, -0.0, 0.1, 7.037_512_325_604_6e-5], "a": u64::MAX,
            "i": i64::MIN, "n": null, "t": { "b": true, "a": "x" }, "f": 1.0 });
        let waiting = again(&Waiting::new(&request(arguments.clone()), ask(&["k"]), 1).unwrap());
        let resumed = waiting.resumed(&Principal::local(), Asking::FORM);
        let Target::Tool { name, arguments: kept } = resumed.target else { panic!("a tool") };
        assert_eq!((name.as_str(), Value::Object(kept).to_string()), ("p_t", arguments.to_string()));
        assert_eq!(resumed.hints.locale.as_deref(), Some("de-CH"));
        assert_eq!((resumed.asking, resumed.tasks, resumed.preview), (Asking::FORM, true, false));
    }

    #[test]
    fn mc_09_arguments_as_deep_as_a_client_may_send_them_come_back() {
        let deep = (0..64).fold(json!(1), |inner, _| json!({ "a": inner }));
        let waiting = again(&Waiting::new(&request(deep.clone()), ask(&["k"]), 1).unwrap());
        let Target::Tool { arguments, .. } = waiting.resumed(&Principal::local(), Asking::FORM).target else {
            panic!()
        };
        assert_eq!(Value::Object(arguments), deep);
    }

    #[test]
    fn a_key_of_one_round_is_never_a_key_of_another() {
        let request = request(json!({}));
        let first = Waiting::new(&request, ask(&["name", "2-name"]), 1).unwrap();
        let second = Waiting::new(&request, ask(&["name", "1-name"]), 2).unwrap();
        assert_eq!((keys(&first), keys(&second)), (vec!["1.name", "1.2-name"], vec!["2.name", "2.1-name"]));
    }

    #[test]
    fn replies_are_taken_once_and_only_to_what_is_asked() {
        let accepted = |n: f64| Reply::Accepted(Map::from_iter([("n".to_owned(), n.into())]));
        let mut waiting = Waiting::new(&request(json!({})), ask(&["a", "b"]), 3).unwrap();
        let send = |waiting: &mut Waiting, replies: &[(&str, Reply)]| {
            let replies = replies.iter().map(|(key, reply)| ((*key).to_owned(), reply.clone())).collect();
            let taken = waiting.take(&replies);
            *waiting = again(waiting);
            taken
        };
        assert!(!send(&mut waiting, &[("a", Reply::Declined), ("2.a", Reply::Declined), ("x", Reply::Cancelled)]));
        assert!(send(&mut waiting, &[("3.a", accepted(0.1)), ("3.x", Reply::Declined)]));
        assert_eq!(keys(&waiting), ["3.b"]);
        assert!(!send(&mut waiting, &[("3.a", Reply::Declined)]), "an answer holds");
        assert!(send(&mut waiting, &[("3.b", Reply::Cancelled)]));
        assert_eq!(waiting.open().count(), 0);
        let resume = waiting.resumed(&Principal::local(), Asking::NOTHING).resume.unwrap();
        assert_eq!(resume.state, "sealed");
        let expected = [("a".to_owned(), accepted(0.1)), ("b".to_owned(), Reply::Cancelled)];
        assert_eq!(resume.replies, BTreeMap::from(expected));
    }

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let answer =
            ToolAnswer { structured: Some(json!({ "a": [1] })), meta: Some(json!({})), ..ToolAnswer::error("no") };
        let done = Done::of(Answer::Tool(answer.clone())).unwrap();
        let done: Done = serde_json::from_slice(&done.write()).unwrap();
        assert_eq!(done.answer(), Answer::Tool(answer));
    }
}
