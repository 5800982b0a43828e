// The system prompts that a person has saved to choose from.

export class Prompts {
  #api;
  list = [];

  constructor(api) {
    this.#api = api;
  }

  async load() {
    this.list = inOrder((await this.#api.prompts()).data);
  }

  /** Saves under a name; one of that name is rewritten. Resolves to the saved prompt. */
  async save(name, content) {
    const known = this.list.find((prompt) => prompt.name === name);
    const saved = known
      ? await this.#api.changePrompt(known.id, { content })
      : await this.#api.createPrompt({ name, content });
    this.list = inOrder([...this.list.filter(({ id }) => id !== saved.id), saved]);
    return saved;
  }

  async remove(id) {
    await this.#api.deletePrompt(id);
    this.list = this.list.filter((prompt) => prompt.id !== id);
  }
}

function inOrder(prompts) {
  return prompts.toSorted((one, other) => one.name.localeCompare(other.name));
}
