// Markdown that is hard to render piece by piece: every construct, broken off in every way.

export const HOSTILE_DOCUMENT = `# Title with \`code\` and [a link][later]

A paragraph with **bold, *nested* text** and ~~struck~~, a [link](https://example.com "t"),
an <b>inline tag</b>, an autolink <https://example.com/x?a=1&b=2> and https://bare.example.
Line two of it  
with a hard break\\
and another, &amp; an entity, 1 < 2 > 0.

<div onclick="alert(1)">
**not bold?**
</div>

<script>alert(1)</script>

Setext heading
===

Another
---

- item one
- item two
  - nested *one*

    \`\`\`js
    const nested = "\`\`\`";
    \`\`\`
  - [ ] to do [later]
  - [x] done

  a loose paragraph
- three

1. first
2. second
   > quoted in a list
   > - deep
7) other list

> quote
> \`\`\`py
> x = 1
> \`\`\`
lazy continuation

    indented code <b>
    \tmore

| a | b | c |
|---|:-:|--:|
| 1 | [x][later] | \`|\` |
| 2 | <i> | **b** |

![image](https://cdn.example/p.png "title") and [![badge](https://b.example/s.svg)](https://c.example)

[bad](javascript:alert(1)) [worse](java&#115;cript:alert(1)) [data](data:text/html,x)

***

\`\`\`\`md title="a.md"
\`\`\`js
inner
\`\`\`
\`\`\`\`

~~~
tilde <b> &amp;
~~~

**unclosed *emphasis and \`code

[later]: https://example.org/later "Later"

[^1]: not a footnote

Emoji 👩‍💻 and a lone \u00a0 space.\r\nWindows line.\r\n\r\n- end\r\n\r\n\`\`\`diff
- a
+ b
`;
