//! How many steps checking a value can take. Catalogue MC-06: a schema of 2 KB whose references form a ladder takes
//! seconds for a value of three bytes.
//!
//! A *step* is one schema applied to one part of a value. Let `C(s, d)` be the most steps that schema `s` causes along
//! any one way from a part of the value down to a part `d` levels below it. Then
//!
//! ```text
//! C(s, d) = 1 + Σ C(t, d)          for every t that s applies to the same part: allOf, anyOf, not, if, $ref, …
//!             + max over ways of Σ C(t, d - 1)   for every t that s applies to the part one level further on that way
//! ```
//!
//! A value is at most [`LEVELS`] deep, because `serde_json` reads none that is deeper, so `C(root, LEVELS)` bounds the steps
//! along each way, and the steps for a whole value are at most that times the number of its parts, which `limits.arguments`
//! and `limits.result` bound. References may go in circles as long as each round goes a level down: a list or a binary tree
//! has one step more for each level, and a schema that refers twice to itself for the same member doubles with each level
//! and is refused. Only a circle on one and the same part would never end; it is refused before this is counted.
//!
//! The *chain* is the same with the greatest instead of the sum: how many schemas are being applied inside each other at
//! once. The validator recurses once for each, and a stack that overflows ends the whole process: measured, a circle of 35
//! references through one member overflowed 2 MiB at 64 levels, and 512 in a chain fit into 1 MiB, whatever applies them.

/// The deepest value: the recursion limit of `serde_json`. Arguments are flatter (catalogue MC-09).
pub(super) const LEVELS: usize = 128;

/// One schema, as far as cost goes: the numbers of the schemas that it applies.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// To the same part.
    pub(super) here: Vec<usize>,
    /// To one member each.
    pub(super) members: Vec<usize>,
    /// To members whose name fits, beside the others.
    pub(super) patterned: Vec<usize>,
    /// To members that no other names.
    pub(super) other_members: Vec<usize>,
    /// To names of members.
    pub(super) names: Vec<usize>,
    /// To one element each.
    pub(super) elements: Vec<usize>,
    /// To elements that no other names.
    pub(super) other_elements: Vec<usize>,
    /// To every element.
    pub(super) every_element: Vec<usize>,
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
            match nodes[node].here.get(next) {
                Some(&target) => {
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

/// What checking the deepest value takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// `C(root, LEVELS)`; `u64::MAX` when it is beyond counting.
    pub(super) steps: u64,
    /// The longest chain.
    pub(super) chain: u64,
}

/// The cost of the schema `root`, given the [`order`] of all.
pub(super) fn cost(nodes: &[Node], order: &[usize], root: usize) -> Cost {
    Cost { steps: fold(nodes, order, u64::saturating_add)[root], chain: fold(nodes, order, u64::max)[root] }
}

/// `C`, where `both` says what two schemas that are applied side by side take together.
fn fold(nodes: &[Node], order: &[usize], both: fn(u64, u64) -> u64) -> Vec<u64> {
    let mut below = vec![0_u64; nodes.len()];
    for _ in 0..=LEVELS {
        let mut level = vec![0_u64; nodes.len()];
        for &at in order {
            let node = &nodes[at];
            let all = |targets: &[usize]| targets.iter().fold(0, |sum, &t| both(sum, below[t]));
            // Of these, any one part meets one.
            let one = |targets: &[usize]| targets.iter().map(|&t| below[t]).max().unwrap_or(0);
            let member = one(&node.members).max(all(&node.other_members));
            let member = both(both(member, all(&node.patterned)), all(&node.names));
            let element = both(one(&node.elements).max(all(&node.other_elements)), all(&node.every_element));
            let here = node.here.iter().fold(0, |sum, &t| both(sum, level[t]));
            level[at] = both(here, member.max(element)).saturating_add(1);
        }
        below = level;
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost_of(nodes: &[Node]) -> (u64, u64) {
        let Cost { steps, chain } = cost(nodes, &order(nodes).unwrap(), 0);
        (steps, chain)
    }

    #[test]
    fn mc_06_a_ladder_of_references_doubles_with_each_rung() {
        let rungs = 20;
        let mut nodes: Vec<Node> =
            (0..rungs).map(|at| Node { here: vec![at + 1, at + 1], ..Node::default() }).collect();
        nodes.push(Node::default());
        assert_eq!(cost_of(&nodes), ((1 << (rungs + 1)) - 1, rungs as u64 + 1));
    }

    #[test]
    fn mc_06_a_tree_costs_one_step_for_each_level() {
        let tree = Node { members: vec![0, 0], ..Node::default() };
        assert_eq!(cost_of(&[tree]), (129, 129));
        let list = Node { other_elements: vec![0], ..Node::default() };
        assert_eq!(cost_of(&[list]), (129, 129));
    }

    #[test]
    fn mc_06_two_recursions_into_one_member_are_beyond_counting() {
        let nodes = [
            Node { here: vec![1, 2], ..Node::default() },
            Node { members: vec![0], ..Node::default() },
            Node { members: vec![0], ..Node::default() },
        ];
        assert_eq!(cost_of(&nodes), (u64::MAX, 258));
    }

    #[test]
    fn mc_06_a_circle_on_the_same_part_has_no_order() {
        let nodes = [Node { here: vec![1], ..Node::default() }, Node { here: vec![0], ..Node::default() }];
        assert!(order(&nodes).is_err());
        let long: Vec<Node> = (0..100_000).map(|at| Node { here: vec![at + 1], ..Node::default() }).collect();
        assert!(order(&[long, vec![Node::default()]].into_iter().flatten().collect::<Vec<_>>()).is_ok());
    }
}
