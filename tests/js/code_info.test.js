import assert from "node:assert/strict";
import { test } from "node:test";
import { commandsOf, fileNameOf, readInfo } from "../../web/static/js/markdown/code_info.js";

test("language and file are read from what models write after a fence", () => {
  const cases = {
    python: ["python", ""],
    "Python tareas.py": ["python", "tareas.py"],
    "python title=\"src/app.py\"": ["python", "src/app.py"],
    "diff:src/a.py": ["diff", "src/a.py"],
    "js {1,3} filename=a.js": ["js", "a.js"],
    "": ["", ""],
  };
  for (const [info, [language, file]] of Object.entries(cases)) {
    assert.deepEqual(readInfo(info), { language, file }, info);
  }
});

test("a download has a name that fits its language, and never a folder of the fence's choosing", () => {
  assert.equal(fileNameOf("python", ""), "epicode.py");
  assert.equal(fileNameOf("dockerfile", ""), "Dockerfile");
  assert.equal(fileNameOf("", ""), "epicode.txt");
  assert.equal(fileNameOf("a/b c", ""), "epicode.txt");
  assert.equal(fileNameOf("python", "src/tareas.py"), "tareas.py");
  assert.equal(fileNameOf("python", "..\\..\\.bashrc"), "bashrc");
  assert.equal(fileNameOf("python", "a\u202eyp.exe"), "ayp.exe");
  assert.equal(fileNameOf("python", ".."), "epicode.py");
});

test("of a shell's session only the commands are copied, without their prompt", () => {
  const session = "$ git add . \\\n>   && git commit\n[main 1a2b3c] listo\n$ git push";
  assert.equal(commandsOf("console", session), "git add . \\\n  && git commit\ngit push");
  assert.equal(commandsOf("bash", "echo $HOME\nls"), "echo $HOME\nls");
  assert.equal(commandsOf("php", "$ x"), "$ x");
});
