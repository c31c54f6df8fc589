"""The word lists behind the English of the built-in teacher."""


def words(text: str) -> frozenset[str]:
    """Return the words of a text, which stands in place of a list to be read as one."""
    return frozenset(text.split())


# Verbs that a question puts before the subject.
AUXILIARIES = words(
    """
    is are was were can could may might must should will would
    """
)

# Words that open a clause within a clause.
SUBORDINATORS = words(
    """
    that which who whose where when if how what whether because while whereas although though unless until since
    so but as than why once
    """
)

# Words that open a noun phrase: what stands before one is a verb rather than a plural noun.
DETERMINERS = words(
    """
    a an the its their no each every all any one two three four five some more most many several only both about
    nearly at almost exactly another
    """
)

# Words in -s that are no verbs in the third person.
NOT_VERBS = words(
    """
    as its is was has does us this versus vs across plus thus always perhaps sometimes less unless towards
    whereas besides afterwards backwards these those others hours minutes days years times sides units bytes
    bits yes
    """
)

# Verbs that need no object, in the third person.
INTRANSITIVE = words(
    """
    lasts depends consists comes belongs falls rises grows lies works begins ends varies refers applies occurs
    travels shrinks increases decreases matters happens exists remains arrives leads returns differs serves acts
    extends contributes appears starts stays moves runs takes makes keeps needs means gives uses goes proceeds
    follows
    """
)

# Verbs as they follow a plural subject.
PLURAL_VERBS = words(
    """
    have do need keep use contain show tend take make give mean depend consist come belong lie work vary occur
    grow form carry hold store let cause help allow require describe return behave differ live lose survive
    spread reach share reflect suit produce move protect begin start remain exist matter cover arise include
    provide serve fall rise increase decrease stay act add become lead run stand say distinguish recognise
    recognize proceed define arrive travel represent
    """
)

# Adverbs without -ly that stand before a verb.
ADVERBS = words(
    """
    often never always still simply not also now once first seldom
    """
)

# Words that, at the start, keep a clause from being simple.
OPENERS = words(
    """
    in on at with for from by during after before under of to over near within without between among through
    into against along since until directly relative unlike like besides despite as where when if because
    although while though whenever wherever unless using given there here even only not according once
    """
)

# Nouns that every reader knows behind "the".
FAMILIAR = words(
    """
    user users reader sun moon earth sea world equator ground sky body brain heart law government internet
    atmosphere ocean universe population public human hands eyes
    """
)

# Nouns that say nothing without the text around them.
GENERIC = words(
    """
    result problem reason answer example cause difference effect solution goal idea purpose aim point first
    second third last latter former rest other others consequence outcome exception question task next following
    value case table
    """
)

# Words of a title that tell nothing of its subject.
COMMON = words(
    """
    the and for with from into about how why what when where who which are was its their your our they that this
    can not does between introduction guide using part chapter basics overview home turn work lost keeping
    understanding short notes
    """
)

# What people do to works and ideas, in the past.
CREATED = words(
    """
    published introduced invented designed described discovered proposed developed wrote gave proved founded
    built named coined set formulated presented devised created
    """
)

# Verbs whose object is worth asking for.
TELLING = words(
    """
    show describe contain list record include need require reflect mark indicate represent measure
    cover cause produce carry provide explain govern print
    """
)

# Past forms with their base.
PAST = dict(
    pair.split(":")
    for pair in words(
        """
        published:publish developed:develop invented:invent discovered:discover opened:open presented:present
        founded:found launched:launch lowered:lower limited:limit adopted:adopt reached:reach started:start
        ended:end printed:print established:establish added:add introduced:introduce described:describe
        proposed:propose released:release completed:complete received:receive proved:prove divided:divide named:name
        replaced:replace changed:change created:create produced:produce observed:observe measured:measure
        designed:design formed:form won:win wrote:write built:build began:begin became:become made:make gave:give
        found:find took:take led:lead
        """
    )
)
