"""Words for people, of which a vocabulary that has people as things alone knows few: WordNet's
tree of persons is 9,000 synsets of trades and characters, and no picture shows most of them."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PERSON = _words("""
    person people human humans somebody someone individual individuals man men woman women guy
    guys gentleman gentlemen lady ladies male males female females adult adults teen teens
    teenager teenagers youth youths youngster youngsters child children boy boys girl girls kid
    kids baby babies infant infants newborn newborns toddler toddlers preschooler schoolboy
    schoolgirl schoolchildren crowd crowds family families audience spectator spectators
    bystander bystanders onlooker onlookers pedestrian pedestrians passenger passengers passerby
    passersby visitor visitors tourist tourists traveler travelers mother mothers mom moms
    father fathers dad dads parent parents son sons daughter daughters brother brothers sister
    sisters sibling siblings grandmother grandma grandfather grandpa grandparents husband wife
    friend friends bride brides groom grooms bridesmaid bridesmaids player players teammate
    teammates opponent opponents athlete athletes runner runners jogger joggers sprinter swimmer
    swimmers diver divers surfer surfers climber climbers hiker hikers skier skiers snowboarder
    snowboarders skateboarder skateboarders skater skaters cyclist cyclists bicyclist bicyclists
    biker bikers rider riders motorcyclist motorcyclists driver drivers racer racers rower
    rowers kayaker kayakers canoeist canoeists sailor sailors fisherman fishermen hunter hunters
    camper campers golfer golfers gymnast gymnasts wrestler wrestlers boxer boxers fencer
    cheerleader cheerleaders quarterback catcher goalie goalkeeper referee referees umpire
    umpires dancer dancers singer singers musician musicians guitarist guitarists drummer
    drummers performer performers acrobat acrobats clown clowns artist artists painter painters
    photographer photographers actor actors actress worker workers officer officers policeman
    policemen policewoman firefighter firefighters fireman firemen soldier soldiers guard guards
    doctor doctors nurse nurses teacher teachers student students chef chefs waiter waiters
    waitress vendor vendors seller sellers shopper shoppers farmer farmers cowboy cowboys
    bullfighter skydiver skydivers parachutist wakeboarder paddler paddlers bather bathers
    sunbather sunbathers beachgoer beachgoers partygoer protester protesters monk monks nun nuns
    priest king queen prince princess santa blonde brunette""")
"""Each of these says that there is a person."""

CHILD = _words("""
    child children boy boys girl girls kid kids baby babies infant infants newborn newborns
    toddler toddlers preschooler schoolboy schoolgirl schoolchildren youngster youngsters""")

MAN = _words("""
    man men guy guys gentleman gentlemen fisherman fishermen policeman policemen""")

WOMAN = _words("""
    woman women lady ladies bride brides actress waitress""")

BABY = _words("""
    baby babies infant infants newborn newborns""")

LABELS = {"person": PERSON, "child": CHILD, "man": MAN, "woman": WOMAN, "baby": BABY}
"""By the everyday name of a label the words that say it."""
