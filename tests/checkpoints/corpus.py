"""A little text to build the vocabularies of the checkpoints from."""

SENTENCES = (
    "The fleet serves speech and language models behind one address.",
    "Ada Lovelace was born in London in the year 1815 and wrote the first program.",
    "Charles Babbage designed a machine that computes tables by differences.",
    "The river Thames flows through London, and ships sail from there to Hamburg.",
    "A good film with a bad ending is still a film that people like to see again.",
    "The service was terrible, the food was cold and nobody said a word.",
    "I love this small camera: it is light, quick and its pictures are sharp.",
    "In Paris the museum opens at nine o'clock and closes late on Fridays.",
    "Angela Merkel met the president of France in Berlin to talk about energy.",
    "The new train needs three hours from Vienna to Munich, and it never waits.",
    "Summarize: scientists found water below the surface of the planet Mars.",
    "Translate English to German: the house is small and the garden is large.",
    "Wie geht es dir heute? Das Haus ist klein und der Garten ist groß.",
    "Où est la gare? La maison est petite et le jardin est grand.",
    "Which word is missing here? The capital of Italy is Rome.",
    "Yesterday the weather was fine, so the children played football in the park.",
    "This example is about politics, sport, science, travel, cooking or music.",
    "Question: who wrote it? It was written by a woman whose name nobody knew.",
    "Numbers such as 12, 340 and 7.5 are read, and so are signs like % or &.",
    "When memory runs out, a batch is halved and every part is tried again.",
)
WORDS = tuple(sorted({word.strip(".,:?%&").lower() for line in SENTENCES for word in line.split()}))
