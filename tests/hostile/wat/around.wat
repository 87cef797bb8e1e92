;; What the attacks beside this file have in common: the types of the contract, and the export. A test puts an attack's
;; text in the place of the line HERE; it defines the component function `$call`.
(component
  (import "portcullis:plugin/types@0.1.0" (instance $types
    (type $json' string)
    (export "json" (type $json (eq $json')))
    (type $bytes (list u8))
    (type $media' (record (field "data" $bytes) (field "mime-type" string)))
    (export "media" (type $media (eq $media')))
    (type $maybe-string (option string))
    (type $link' (record (field "uri" string) (field "name" string) (field "mime-type" $maybe-string)))
    (export "link" (type $link (eq $link')))
    (type $content' (variant (case "text" string) (case "image" $media) (case "audio" $media) (case "link" $link)))
    (export "content" (type $content (eq $content')))
    (type $contents (list $content))
    (type $maybe-json (option $json))
    (type $answer' (record (field "content" $contents) (field "structured" $maybe-json) (field "meta" $maybe-json)))
    (export "answer" (type $answer (eq $answer')))
    (type $question' (record (field "key" string) (field "message" string) (field "schema" $json)))
    (export "question" (type $question (eq $question')))
    (type $questions (list $question))
    (type $needs-input' (record (field "questions" $questions) (field "state" $bytes)))
    (export "needs-input" (type $needs-input (eq $needs-input')))
    (type $outcome' (variant (case "done" $answer) (case "failed" string) (case "needs-input" $needs-input)))
    (export "outcome" (type $outcome (eq $outcome')))
  ))
  (alias export $types "json" (type $json))
  (alias export $types "outcome" (type $outcome))

  ;; HERE

  (instance $tools
    (export "json" (type $json))
    (export "outcome" (type $outcome))
    (export "call" (func $call)))
  (export "portcullis:plugin/tools@0.1.0" (instance $tools))
)
