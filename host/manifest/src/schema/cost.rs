//! How many steps checking a value can take. Catalogue MC-06: a schema of 2 KB whose references form a ladder takes
//! seconds for a value of three bytes.
//!
//! A *step* is one schema applied to one part of a value, or something that takes as long: see [`Node::weight`]. Measured, it
//! takes 5 to 100 ns. [`super::meter`] counts the steps of one value before it is checked. Here is what is known of a schema
//! before there is a value: the most steps that one part can take. Let `C(s, d)` be the most steps that schema `s`, applied
//! to a part of the value, causes on a part exactly `d` levels below it. Then
//!
//! ```text
//! C(s, d) = (the weight of s if d = 0)
//!             + Σ C(t, d)          for every t that s applies to the same part: allOf, anyOf, not, if, $ref, …
//!             + max over ways of Σ C(t, d - 1)   for every t that s applies to the part one level further on that way
//! ```
//!
//! A value is at most [`LEVELS`] deep, because `serde_json` reads none that is deeper, so the greatest `C(root, d)` bounds the
//! steps of each part. References may go in circles as long as each round goes a level down: a list or a binary tree takes
//! one step for each part, and a schema that refers twice to itself for the same member doubles with each level and is
//! refused. Only a circle on one and the same part would never end; it is refused before this is counted.
//!
//! The *chain* is how many schemas are being applied inside each other at once. The validator recurses once for each, and a
//! stack that overflows ends the whole process: measured, a circle of 35 references through one member overflowed 2 MiB at
//! 64 levels, and 512 in a chain fit into 1 MiB, whatever applies them.

use indexmap::IndexMap;

/// The deepest value: the recursion limit of `serde_json`. Arguments are flatter (catalogue MC-09).
pub(super) const LEVELS: usize = 128;

/// The steps that `uniqueItems` takes for each part below the list: it hashes or compares all of them.
pub(super) const UNIQUE: u64 = 2;

/// One schema, as far as cost goes: what it takes itself, and the numbers of the schemas that it applies.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Steps for a part, whatever the part: one, and one for every four values that an `enum` compares.
    pub(super) weight: u64,
    /// Eighths of a step for each byte of a string: `pattern`.
    pub(super) effort: u64,
    /// Eighths of a step for each byte of a member's name: `patternProperties`.
    pub(super) name_effort: u64,
    /// Compares all parts below: `uniqueItems`.
    pub(super) unique: bool,
    /// Looks at every member, whether or not a schema applies to it.
    pub(super) looks: bool,
    /// To the same part.
    pub(super) here: Vec<usize>,
    /// To the same part, as one of several: `anyOf`, `oneOf`. What is wrong with each is collected.
    pub(super) branches: Vec<usize>,
    /// To one member each.
    pub(super) members: IndexMap<String, usize>,
    /// To members whose name fits, beside the others.
    pub(super) patterned: Vec<usize>,
    /// To members that no other names.
    pub(super) other_members: Vec<usize>,
    /// To names of members.
    pub(super) names: Vec<usize>,
    /// To one element each, the first to the first.
    pub(super) elements: Vec<usize>,
    /// To elements that no other names.
    pub(super) other_elements: Vec<usize>,
    /// To every element.
    pub(super) every_element: Vec<usize>,
}

impl Node {
    /// Everything that it applies to the same part.
    pub(super) fn same(&self) -> impl Iterator<Item = usize> + '_ {
        self.here.iter().chain(&self.branches).copied()
    }
}

/// An order in which each schema comes after those it applies to the same part; or one that is in a circle of them.
pub(super) fn order(nodes: &[Node]) -> Result<Vec<usize>, usize> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        Not,
        Open,
        Done,
    }
    let mut seen = vec![Seen::Not; nodes.len()];
    let mut order = Vec::with_capacity(nodes.len());
    // With a stack of its own: references make chains as long as the file has schemas.
    for start in 0..nodes.len() {
        if seen[start] != Seen::Not {
            continue;
        }
        seen[start] = Seen::Open;
        let mut stack = vec![(start, 0)];
        while let Some((node, next)) = stack.pop() {
            match nodes[node].same().nth(next) {
                Some(target) => {
                    stack.push((node, next + 1));
                    match seen[target] {
                        Seen::Not => {
                            seen[target] = Seen::Open;
                            stack.push((target, 0));
                        }
                        Seen::Open => return Err(target),
                        Seen::Done => {}
                    }
                }
                None => {
                    seen[node] = Seen::Done;
                    order.push(node);
                }
            }
        }
    }
    Ok(order)
}

/// What checking a value can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// The most steps of one part; `u64::MAX` when they are beyond counting.
    pub(super) steps: u64,
    /// The longest chain.
    pub(super) chain: u64,
}

/// The cost of the schema `root`, given the [`order`] of all.
pub(super) fn cost(nodes: &[Node], order: &[usize], root: usize) -> Cost {
    let steps = |node: &Node, depth| match depth {
        0 => node.weight,
        _ if node.unique => UNIQUE,
        _ => 0,
    };
    Cost {
        steps: fold(nodes, order, root, u64::saturating_add, steps),
        chain: fold(nodes, order, root, u64::max, |_, _| 1),
    }
}

/// The greatest `C` of `root`, where `both` says what two schemas that are applied side by side take together, and `own` what
/// one takes itself for a part so many levels below.
fn fold(
    nodes: &[Node],
    order: &[usize],
    root: usize,
    both: fn(u64, u64) -> u64,
    own: impl Fn(&Node, usize) -> u64,
) -> u64 {
    let (mut below, mut most) = (vec![0_u64; nodes.len()], 0);
    for depth in 0..=LEVELS {
        let mut level = vec![0_u64; nodes.len()];
        for &at in order {
            let node = &nodes[at];
            let all = |targets: &[usize]| targets.iter().fold(0, |sum, &t| both(sum, below[t]));
            // Of these, any one part meets one.
            let one = |targets: &mut dyn Iterator<Item = &usize>| targets.map(|&t| below[t]).max().unwrap_or(0);
            let member = one(&mut node.members.values()).max(all(&node.other_members));
            let member = both(both(member, all(&node.patterned)), all(&node.names));
            let element = one(&mut node.elements.iter()).max(all(&node.other_elements));
            let element = both(element, all(&node.every_element));
            let here = node.same().fold(0, |sum, t| both(sum, level[t]));
            level[at] = both(here, member.max(element)).saturating_add(own(node, depth));
        }
        most = most.max(level[root]);
        below = level;
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost_of(nodes: &[Node]) -> (u64, u64) {
        let Cost { steps, chain } = cost(nodes, &order(nodes).unwrap(), 0);
        (steps, chain)
    }

    fn node() -> Node {
        Node { weight: 1, ..Node::default() }
    }

    fn members<const N: usize>(members: [(&str, usize); N]) -> IndexMap<String, usize> {
        members.map(|(name, target)| (name.to_owned(), target)).into_iter().collect()
    }

    #[test]
    fn mc_06_a_ladder_of_references_doubles_with_each_rung() {
        let rungs = 20;
        let mut nodes: Vec<Node> = (0..rungs).map(|at| Node { here: vec![at + 1, at + 1], ..node() }).collect();
        nodes.push(node());
        assert_eq!(cost_of(&nodes), ((1 << (rungs + 1)) - 1, rungs as u64 + 1));
    }

    #[test]
    fn mc_06_a_tree_costs_one_step_for_each_part() {
        let tree = Node { members: members([("left", 0), ("right", 0)]), ..node() };
        assert_eq!(cost_of(&[tree]), (1, 129));
        let list = Node { other_elements: vec![0], ..node() };
        assert_eq!(cost_of(&[list]), (1, 129));
    }

    #[test]
    fn mc_06_a_part_costs_what_all_above_it_apply_to_it() {
        let nodes = [
            Node { here: vec![1, 1], branches: vec![2], members: members([("a", 2)]), ..node() },
            Node { members: members([("a", 2)]), ..node() },
            Node { weight: 100, ..node() },
        ];
        // The root: itself, twice the second, the third. Its member: the third, three times.
        assert_eq!(cost_of(&nodes).0, 300);
        let nodes = [Node { other_elements: vec![1], unique: true, ..node() }, Node { weight: 7, ..node() }];
        assert_eq!(cost_of(&nodes).0, 7 + UNIQUE);
    }

    #[test]
    fn mc_06_lists_without_repetitions_inside_each_other_cost_more_with_each_level() {
        let list = Node { other_elements: vec![0], unique: true, ..node() };
        assert_eq!(cost_of(&[list]).0, 1 + LEVELS as u64 * UNIQUE);
    }

    #[test]
    fn mc_06_two_recursions_into_one_member_are_beyond_counting() {
        let nodes = [
            Node { here: vec![1, 2], ..node() },
            Node { members: members([("a", 0)]), ..node() },
            Node { members: members([("a", 0)]), ..node() },
        ];
        assert_eq!(cost_of(&nodes), (u64::MAX, 258));
    }

    #[test]
    fn mc_06_a_circle_on_the_same_part_has_no_order() {
        let nodes = [Node { here: vec![1], ..node() }, Node { branches: vec![0], ..node() }];
        assert!(order(&nodes).is_err());
        let long: Vec<Node> = (0..100_000).map(|at| Node { here: vec![at + 1], ..node() }).collect();
        assert!(order(&[long, vec![node()]].into_iter().flatten().collect::<Vec<_>>()).is_ok());
    }
}
