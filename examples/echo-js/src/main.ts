import { definePlugin } from "@portcullis/plugin";

interface Text {
  text: string;
}

export default definePlugin({
  tools: {
    echo({ text }: Text): Text {
      return { text };
    },
  },
});
